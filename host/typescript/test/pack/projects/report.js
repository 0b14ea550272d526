// Tells the server what a page came to, which says where to go next.
export function report(result) {
  result
    .catch(thrown => `${thrown}`)
    .then(async body => {
      const answer = await fetch("/result", { method: "POST", body });
      const next = await answer.text();
      if (next !== "") location.href = next;
    });
}
