// A page that has the component out of the package.
import { Tidegate } from "tidegate";
import { report } from "./report.js";
import { work } from "./work.js";

report(work(Tidegate));
