// Reads a PMTiles file from the page's own server: piece by piece, or whole where the server sends no pieces.

import { FetchSource, PMTiles } from 'pmtiles';

const MOST_WHOLE = 100e6; // bytes that are read at once at most

/** Why tiles cannot be read: `file` (the page was opened by a double click), `missing`, `ranges` or `broken`. */
export class TileFileError extends Error {
  constructor(reason, cause) {
    super(`tiles: ${reason}`, { cause });
    this.reason = reason;
  }
}

/** What PMTiles reads from: ranges of a file, or the whole file once where its server knows no ranges. */
export class StaticSource {
  constructor(url, ranges = new FetchSource(url)) {
    this.url = url;
    this.ranges = ranges;
    this.served = false;
  }

  getKey() {
    return this.url;
  }

  async getBytes(offset, length, signal, etag) {
    if (!this.whole) {
      try {
        const got = await this.ranges.getBytes(offset, length, signal, etag);
        this.served = true;
        return got;
      } catch (error) {
        // A server that has sent ranges can send them: what failed now is something else.
        if (this.served) throw error;
        this.whole ??= readWhole(this.url);
      }
    }
    const bytes = await this.whole;
    return { data: bytes.slice(offset, offset + length) };
  }
}

async function readWhole(url) {
  let response;
  try {
    response = await fetch(url);
  } catch (error) {
    throw new TileFileError('missing', error);
  }
  if (!response.ok) throw new TileFileError('missing');
  if (Number(response.headers.get('content-length') ?? 0) > MOST_WHOLE) {
    await response.body?.cancel();
    throw new TileFileError('ranges');
  }
  return response.arrayBuffer();
}

/** The file at `url`, relative to the page, with its header read. */
export async function openTiles(url) {
  if (location.protocol === 'file:') throw new TileFileError('file');
  const tiles = new PMTiles(new StaticSource(new URL(url, document.baseURI).href));
  try {
    await tiles.getHeader();
  } catch (error) {
    throw error instanceof TileFileError ? error : new TileFileError('broken', error);
  }
  return tiles;
}
