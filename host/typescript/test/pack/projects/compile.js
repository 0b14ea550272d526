// A worker of the page, which compiles for it.
WebAssembly.compileStreaming(fetch("/core.wasm")).then(module => postMessage(module));
