// A page that is given the component: compiled here, or by a worker of its own, whose policy is
// another.
import { Tidegate, useModule } from "tidegate/module";
import { report } from "./report.js";
import { work } from "./work.js";

const compiledHere = () => WebAssembly.compileStreaming(fetch("/core.wasm"));
const compiledElsewhere = () =>
  new Promise(resolve => {
    new Worker("/compile.js").onmessage = ({ data }) => resolve(data);
  });

async function run() {
  useModule(await (location.search === "?elsewhere" ? compiledElsewhere() : compiledHere()));
  return work(Tidegate);
}

report(run());
