// Full screen: the page without the browser around it.

/** The tool that fills the screen; none where the browser cannot (an iPhone, a frame that does not allow it). */
export function fullscreenTool({ map }) {
  if (!document.fullscreenEnabled) return null;
  document.addEventListener('fullscreenchange', () => {
    const button = map.getContainer().querySelector('[data-tool="fullscreen"]');
    button?.setAttribute('aria-pressed', String(Boolean(document.fullscreenElement)));
    map.invalidateSize({ pan: false });
  });
  return {
    key: 'fullscreen',
    icon: 'fullscreen',
    run() {
      // A browser may refuse, in an embedded page for one; the map is then as it was.
      const done = document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen();
      done.catch(() => {});
    },
  };
}
