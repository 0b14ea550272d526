export { type Cell, Cells, type CellValue, Entity } from "./cells.js";
export { Transaction } from "./transaction.js";
