// Builds dist/ and refreshes the fonts and icons of assets/. Both are committed: users need no npm.
import {createHash} from 'node:crypto';
import {copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {gzipSync} from 'node:zlib';
import {build} from 'esbuild';

const ASSETS = '../../assets';
const TARGET = ['chrome109', 'firefox115', 'safari16.4'];
const ICONS = ['alert-triangle', 'arrow-back-up', 'bell', 'bookmark', 'chart-bar', 'check', 'chevron-down', 'chevron-right', 'chevron-up',
  'circle-dashed', 'clock', 'code', 'columns-2', 'database', 'download', 'eye', 'file-report', 'filter', 'flask', 'focus-2', 'help',
  'language', 'lasso', 'layout-grid', 'list', 'logout', 'map', 'map-2', 'map-pin', 'menu-2', 'moon', 'photo', 'player-pause',
  'player-play', 'player-track-next', 'player-track-prev', 'plus', 'refresh', 'search', 'settings', 'share', 'share-2', 'stack-2', 'sun',
  'upload', 'user', 'virus', 'x'];

const file = name => `node_modules/${name}`;
const noto = subset => file(`@fontsource/noto-sans/files/noto-sans-${subset}-500-normal.woff2`);
const inter = subset => file(`@fontsource-variable/inter/files/inter-${subset}-wght-normal.woff2`);

/** Vietnamese needs these two files only; a letter outside them is drawn with a font of the machine. */
const MAP_FONTS = [
  {name: 'noto-sans-vietnamese', from: noto('vietnamese'), range: ['U+0102-0103', 'U+0110-0111', 'U+0128-0129',
    'U+0168-0169', 'U+01A0-01A1', 'U+01AF-01B0', 'U+0300-0301', 'U+0303-0304', 'U+0308-0309', 'U+0323', 'U+1EA0-1EF9', 'U+20AB']},
  {name: 'noto-sans-latin', from: noto('latin'), range: ['U+0000-00FF', 'U+2000-206F', 'U+20AC', 'U+2122', 'U+2212']},
];

async function bundle(entry, options) {
  const result = await build({entryPoints: [entry], bundle: true, minify: true, write: false, target: TARGET,
    legalComments: 'none', logLevel: 'warning', ...options});
  return Buffer.from(result.outputFiles[0].contents);
}

/** The worker is MapLibre's own file, untouched but for the link to a source map that is not shipped. */
const worker = Buffer.from(readFileSync(file('maplibre-gl/dist/maplibre-gl-worker.mjs'), 'utf8').replace(/\/\/# sourceMappingURL=.*\s*$/, ''));
const engine = await bundle('src/engine.js', {format: 'esm'});
const fonts = MAP_FONTS.map(({name, from}) => [`${name}.woff2`, readFileSync(from)]);

/** Changes whenever a lazily loaded file does, so that a year in the browser's cache never mixes releases. */
const hash = createHash('sha256');
for (const data of [worker, engine, ...fonts.map(([, data]) => data)]) hash.update(data);
const define = {
  __BUILD__: JSON.stringify(hash.digest('hex').slice(0, 12)),
  __FONTS__: JSON.stringify(MAP_FONTS.map(({name, range}) => ({name, range}))),
};

const licences = [['MapLibre GL JS', 'maplibre-gl/LICENSE.txt'], ['Noto Sans', '@fontsource/noto-sans/LICENSE']]
  .map(([name, path]) => `${name}\n${'='.repeat(name.length)}\n${readFileSync(file(path), 'utf8')}`).join('\n\n');

rmSync('dist', {recursive: true, force: true});
mkdirSync('dist');
const outputs = [
  ['worker.js', worker],
  ['engine.js', engine],
  ['epimap.js', await bundle('src/index.js', {format: 'iife', define})],
  ['epimap.css', await bundle('src/epimap.css', {})],
  ...fonts,
  ['THIRD-PARTY.txt', Buffer.from(licences)],
];
for (const [name, data] of outputs) {
  writeFileSync(`dist/${name}`, data);
  console.log(`${name.padEnd(28)} ${String(data.length).padStart(9)} B   ${String(gzipSync(data).length).padStart(8)} B gz`);
}

mkdirSync(`${ASSETS}/fonts`, {recursive: true});
mkdirSync(`${ASSETS}/icons`, {recursive: true});
for (const subset of ['latin', 'latin-ext', 'vietnamese']) copyFileSync(inter(subset), `${ASSETS}/fonts/inter-${subset}.woff2`);
copyFileSync(file('@fontsource-variable/inter/LICENSE'), `${ASSETS}/fonts/OFL-Inter.txt`);
for (const icon of ICONS) copyFileSync(file(`@tabler/icons/icons/outline/${icon}.svg`), `${ASSETS}/icons/${icon}.svg`);
copyFileSync(file('@tabler/icons/LICENSE'), `${ASSETS}/icons/LICENSE-tabler-icons.txt`);
