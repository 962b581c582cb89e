"""The services over more sites than one machine holds: the same kernels, run by Dask on partitions of the sites.

A dataset is a folder of GeoParquet files, one a partition::

    FOLDER/sites/part-00000.parquet     points, column uid; near each other in space (Hilbert order)
    FOLDER/sites/part-00001.parquet     …
    FOLDER/streams/part-00000.parquet   what the sites of partition 0 hold: site_uid, waste_code, annual_t, stock_t
    FOLDER/streams/part-00001.parquet   …

All files of a kind have the same columns of the same types, and all sites one CRS. Without ``streams`` a site holds what
its own columns say (``waste_codes, annual_t, stock_t``). A folder that holds GeoParquet files itself is taken for its
sites. The files open in any program that reads GeoParquet; ``dask_geopandas`` reads the folder ``sites``.

``dataset``
    Writes, checks and reads such a folder; needs no Dask.
``frames``
    A dataset as frames of Dask.
``cluster``
    Workers of this machine or of others, and whether they can do the work.
``work``
    One task a partition, and what the tasks found put together; ``uids`` sees whether a site occurs in two partitions.
``concentration``, ``proximity``, ``coverage``
    The services: Dask frames of sites in, the tables of `registry.services` out, identical to the last bit.

Plants and regions are few and go to every worker. Counts and tonnes add up exactly in any order (`services.kernels.sums`), and a
nearest plant or a number of plants in reach is the site's own, so that nothing depends on how the sites are cut or on
which worker was first. What has a row a site is written by the workers, a file a partition, or brought together on
the client up to `work.MOST_ROWS` rows. A worker that is lost takes nothing with it: its partitions are done again.
"""
