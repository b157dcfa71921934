"use strict";
(() => {
  // One stream a visible page: a browser holds only six connections to a host.
  const { generation, events } = document.currentScript.dataset;
  let source = null;
  const listen = () => {
    if (document.hidden) {
      source?.close();
      source = null;
    } else if (!source) {
      source = new EventSource(events);
      source.onmessage = (event) => {
        if (event.data !== generation) {
          source.close();
          location.reload();
        }
      };
    }
  };
  document.addEventListener("visibilitychange", listen);
  listen();
})();
