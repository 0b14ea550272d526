/**
 * What the contract in `wit/` says of the functions that jco lifts field by field: so that a new
 * strategy needs no change where its glue is tuned.
 */

import { readdir, readFile } from "node:fs/promises";

const WIT = new URL("../../../wit/", import.meta.url);

/** The functions of the contract that return a record of numbers, or a resource or a refusal. */
export async function lifted() {
  const names = (await readdir(WIT)).filter(name => name.endsWith(".wit"));
  const texts = await Promise.all(names.map(async name => readFile(new URL(name, WIT), "utf8")));
  return liftedIn(texts);
}

/** The same of texts: each function by its name in jco's code, and how many u64 it returns. */
export function liftedIn(texts) {
  const plain = texts.map(text => text.replace(/\/\/.*/g, "").replaceAll("%", ""));
  const records = new Map(
    plain.flatMap(text => [...text.matchAll(/record ([\w-]+) \{([^}]*)\}/g)].map(([, name, body]) => [name, body])),
  );
  const numbersOf = type => {
    const words = type.match(/[\w-]+/g) ?? [];
    return words.reduce(
      (sum, word) => sum + (word === "u64" ? 1 : records.has(word) ? numbersOf(fieldTypes(records.get(word))) : 0),
      0,
    );
  };
  return plain
    .flatMap(text => methodsIn(text))
    .flatMap(({ name, returns, resource }) => {
      const numbers = numbersOf(returns);
      const isRecord = numbers > 0 && returns !== "u64";
      return isRecord || returns.startsWith(`result<${resource},`) ? [{ name, numbers }] : [];
    });
}

function fieldTypes(body) {
  return [...body.matchAll(/[\w-]+:\s*([^,]+?)\s*(?:,|$)/g)].map(([, type]) => type).join(" ");
}

/** The methods of the resources of an interface; a static function is called otherwise. */
function methodsIn(text) {
  const [, of] = /interface ([\w-]+) \{/.exec(text) ?? [];
  return [...text.matchAll(/resource ([\w-]+) \{([^}]*)\}/g)].flatMap(([, resource, body]) =>
    [...body.matchAll(/([\w-]+): func\([^)]*\)(?: -> ([^;]+))?;/g)].map(([, name, returns = ""]) => ({
      name: `${camel(of)}010Method${pascal(resource)}${pascal(name)}`,
      returns,
      resource,
    })),
  );
}

const pascal = name => name.replace(/(?:^|-)(\w)/g, (_, letter) => letter.toUpperCase());
const camel = name => name.replace(/-(\w)/g, (_, letter) => letter.toUpperCase());
