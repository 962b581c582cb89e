// Bundles what the map pages run. `node build.mjs [folder]`; the folder is registry/render/assets unless named.
import { appendFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const out = resolve(process.argv[2] ?? join(here, '..', 'assets'));

/** The licence of a bundled package as a comment that no minifier drops: it travels with every page. */
async function licence(name) {
  let folder = join(here, 'node_modules', name);
  let file = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry));
  if (!file) {
    // Some packages name their licence and do not bring its text; that of their repository stands here.
    folder = join(here, 'licences');
    file = (await readdir(folder)).find((entry) => entry === `${name}.txt`);
  }
  if (!file) throw new Error(`${name} cannot be bundled: it comes without a licence`);
  const text = (await readFile(join(folder, file), 'utf8')).trim();
  return `/*! ${name}\n${text.replaceAll('*/', '* /')}\n*/`;
}

/** The packages whose code went into a bundle. */
function packagesOf({ inputs }) {
  const names = Object.keys(inputs).map((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1]);
  return [...new Set(names.filter(Boolean))].sort();
}

const common = {
  absWorkingDir: here,
  bundle: true,
  minify: true,
  charset: 'utf8',
  legalComments: 'eof',
  target: ['chrome103', 'edge103', 'firefox113', 'safari16.4'],
  loader: { '.png': 'dataurl' },
  logLevel: 'warning',
  outdir: out,
};

await mkdir(out, { recursive: true });
await build({
  ...common,
  entryPoints: { leaflet: 'src/vendor/leaflet.js' },
  mainFields: ['main'],
  format: 'iife',
  footer: { js: await licence('leaflet') },
});
await build({
  ...common,
  entryPoints: { jquery: 'src/vendor/jquery.js' },
  format: 'iife',
  footer: { js: await licence('jquery') },
});
const { metafile } = await build({
  ...common,
  entryPoints: { 'registry-map': 'src/index.js' },
  format: 'iife',
  globalName: 'registryMap',
  metafile: true,
});
const inMap = packagesOf(metafile);
const licencesOf = async (names) => (await Promise.all(names.map(licence))).join('\n\n');
await appendFile(join(out, 'registry-map.js'), `${await licencesOf(inMap)}\n`);

// The scripts are inlined into pages: what would end or hide a script element must not occur in them, and links inside
// their strings are written so that nobody who searches a page for addresses takes them for something it loads.
for (const name of ['leaflet.js', 'jquery.js', 'registry-map.js']) {
  const path = join(out, name);
  const text = (await readFile(path, 'utf8')).replaceAll('="https://', '="https:\\/\\/');
  await writeFile(path, text);
  if (/<\/script|<!--/i.test(text)) throw new Error(`${name} cannot be inlined: it holds </script or <!--`);
}
await writeFile(join(out, 'LICENSES.txt'), `${await licencesOf(['leaflet', 'jquery', ...inMap])}\n`);
