// Dash component `EpiMap`: a small script on every page; the map engine follows when a map is shown.
import {speaker} from './words.js';

const React = window.React;
const {createElement: h, useEffect, useRef, useState} = React;

const HERE = document.currentScript.src.replace(/[^/]*$/, '');
const fingerprinted = (name, extension) => `${HERE}${name}.v0m${__BUILD__}.${extension}`;
const URLS = {
  workerUrl: fingerprinted('worker', 'js'),
  fontFaces: {'Noto Sans': __FONTS__.map(({name, range}) => ({url: fingerprinted(name, 'woff2'), 'unicode-range': range}))},
};

let engineModule;
const loadEngine = () => (engineModule ??= import(fingerprinted('engine', 'js')));

function hasWebGl2() {
  return Boolean(document.createElement('canvas').getContext('webgl2'));
}

export function EpiMap(props) {
  const [failed, setFailed] = useState(false);
  const [lost, setLost] = useState(false);
  const [loading, setLoading] = useState('first');
  const [attempt, setAttempt] = useState(0);
  const [webgl] = useState(hasWebGl2);
  const ground = useRef(null);
  const engine = useRef(null);
  const latest = useRef(props);
  latest.current = props;
  const again = () => { setFailed(false); setLost(false); setAttempt(attempt + 1); };
  const retry = () => (engine.current ? engine.current.retry() : again());

  useEffect(() => (webgl ? start({ground, engine, latest, setFailed, setLost, setLoading}) : withoutMap(props)), [attempt]);
  useEffect(() => { engine.current?.update(props); });

  return h('div', {id: props.id, className: `epimap ${webgl ? '' : 'epimap-stands'} ${props.className ?? ''}`, style: props.style, 'data-dark': Boolean(props.dark)},
    webgl ? h('div', {ref: ground, className: 'epimap-ground'}) : h(StillPicture, props),
    webgl && loading && h(Loading, {first: loading === 'first', texts: props.texts}),
    lost && h(StillPicture, {...props, noWebglText: speaker(props.texts)('lost'), onRetry: again}),
    failed && h(FailureNote, {text: props.errorText, retryText: props.retryText, onRetry: retry}),
    props.attribution && h('div', {className: 'epimap-attribution'}, props.attribution));
}

function start({ground, engine, latest, setFailed, setLost, setLoading}) {
  let gone = false;
  const emit = out => latest.current.setProps(out);
  const hears = {
    lost: lost => { setLost(lost); emit({webgl: !lost}); },
    loading: now => setLoading(before => now && (before || 'again')),
  };
  loadEngine().then(({Engine}) => {
    if (gone) return;
    engine.current = new Engine(ground.current, latest.current, URLS, emit, setFailed, hears);
    registry()[latest.current.id] = {map: engine.current.map, engine: engine.current};
  }).catch(error => {
    engineModule = undefined;
    console.warn(`EpiMap: ${error.message}`);
    setFailed(true);
    setLoading(false);
  });
  return () => {
    gone = true;
    engine.current?.destroy();
    engine.current = null;
    delete registry()[latest.current.id];
  };
}

const registry = () => (window.__epimap ??= {});

function withoutMap({setProps}) {
  setProps({webgl: false, ready: true});
}

function Loading({first, texts}) {
  return h('div', {className: `epimap-loading ${first ? 'is-first' : ''}`, role: 'status'}, h('span', null, speaker(texts)('loading')));
}

/** `{w}` and `{h}` in the picture's address stand for the size it is shown in. */
function StillPicture({noWebglUrl, noWebglText, ariaLabel, retryText, onRetry}) {
  const figure = useRef(null);
  const [size, setSize] = useState(null);
  useEffect(() => setSize([figure.current.clientWidth, figure.current.clientHeight]), []);
  const url = size && noWebglUrl?.replace('{w}', size[0]).replace('{h}', size[1]);
  return h('figure', {ref: figure, className: 'epimap-still'},
    url && h('img', {src: url, alt: ariaLabel ?? ''}),
    h('figcaption', null, noWebglText ?? 'Máy này không vẽ được bản đồ động, nên hiện ảnh tĩnh. Xem thêm bảng số liệu.',
      onRetry && h('button', {type: 'button', onClick: onRetry}, retryText ?? 'Thử lại')));
}

function FailureNote({text, retryText, onRetry}) {
  return h('div', {className: 'epimap-failure', role: 'alert'},
    h('span', null, text ?? 'Một phần bản đồ chưa tải được.'),
    h('button', {type: 'button', onClick: onRetry}, retryText ?? 'Thử lại'));
}

window.epimap = {EpiMap};
