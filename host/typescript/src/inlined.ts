/** Has the component taken out of this package. */

import { cores } from "./generated/cores.js";
import { useInlined } from "./runtime/modules.js";

useInlined(cores);
