// Dash component `EpiMap`: a small script on every page; the map engine follows when a map is shown.
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
  const [webgl] = useState(hasWebGl2);
  const ground = useRef(null);
  const engine = useRef(null);
  const latest = useRef(props);
  latest.current = props;

  useEffect(() => (webgl ? start({ground, engine, latest, setFailed}) : withoutMap(props)), []);
  useEffect(() => { engine.current?.update(props); });

  return h('div', {id: props.id, className: `epimap ${props.className ?? ''}`, style: props.style, 'data-dark': Boolean(props.dark)},
    webgl ? h('div', {ref: ground, className: 'epimap-ground'}) : h(StillPicture, props),
    failed && h(FailureNote, {text: props.errorText, retryText: props.retryText, onRetry: () => engine.current?.retry()}),
    props.attribution && h('div', {className: 'epimap-attribution'}, props.attribution));
}

function start({ground, engine, latest, setFailed}) {
  let gone = false;
  loadEngine().then(({Engine}) => {
    if (gone) return;
    const emit = out => latest.current.setProps(out);
    engine.current = new Engine(ground.current, latest.current, URLS, emit, setFailed);
    registry()[latest.current.id] = {map: engine.current.map};
  }).catch(error => {
    engineModule = undefined;
    console.warn(`EpiMap: ${error.message}`);
    setFailed(true);
  });
  return () => {
    gone = true;
    engine.current?.destroy();
    delete registry()[latest.current.id];
  };
}

const registry = () => (window.__epimap ??= {});

function withoutMap({setProps}) {
  setProps({webgl: false, ready: true});
}

function StillPicture({noWebglUrl, noWebglText, ariaLabel}) {
  return h('figure', {className: 'epimap-still'},
    noWebglUrl && h('img', {src: noWebglUrl, alt: ariaLabel ?? ''}),
    h('figcaption', null, noWebglText ?? 'Máy này không vẽ được bản đồ động, nên hiện ảnh tĩnh. Xem thêm bảng số liệu.'));
}

function FailureNote({text, retryText, onRetry}) {
  return h('div', {className: 'epimap-failure', role: 'alert'},
    h('span', null, text ?? 'Một phần bản đồ chưa tải được.'),
    h('button', {type: 'button', onClick: onRetry}, retryText ?? 'Thử lại'));
}

window.epimap = {EpiMap};
