{
  const form = document.getElementById("verdict");
  const store = document.getElementById("verdict-json");
  const said = document.getElementById("given");
  const say = (given) => { said.textContent = given ? "given " + given.at.slice(0, 10) : ""; };
  say(JSON.parse(store.textContent));
  document.getElementById("save").addEventListener("click", () => {
    const data = new FormData(form);
    const given = {
      verdict: data.get("verdict"),
      seen: data.getAll("seen"),
      comment: data.get("comment"),
      at: new Date().toISOString(),
    };
    // What was ticked and written has to stand in the text of the page that is saved.
    for (const input of form.querySelectorAll("input")) input.toggleAttribute("checked", input.checked);
    form.elements.comment.textContent = given.comment;
    store.textContent = JSON.stringify(given).replace(/</g, "\\u003c");
    say(given);
    const page = "<!doctype html>\n" + document.documentElement.outerHTML;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([page], { type: "text/html" }));
    link.download = decodeURIComponent(location.pathname.split("/").pop()) || "report.html";
    link.click();
  });
}
