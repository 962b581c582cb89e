"""What lies under the layers: services by name, or the tiles of a local file that go into the page."""
