// What pages can do beyond links and forms: search as you type, attach files, and ask who answers.

const find = (selector, root = document) => root.querySelector(selector);

// Forms that lose something ask first.
for (const form of document.querySelectorAll("form[data-confirm]")) {
  form.addEventListener("submit", (event) => {
    if (!confirm(form.dataset.confirm)) event.preventDefault();
  });
}

// Search: the list follows what is typed; Enter still loads the page.
const search = find("#q");
let waiting;
search.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(async () => {
    const words = search.value;
    const response = await fetch(`/?q=${encodeURIComponent(words)}`);
    if (!response.ok || words !== search.value) return;
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const current = find(".list [aria-current]")?.pathname;
    find(".list").replaceChildren(...find(".list", page).children);
    for (const link of document.querySelectorAll(".list a")) {
      if (link.pathname === current) link.setAttribute("aria-current", "page");
    }
  }, 150);
});

// Attachments: each file is the body of one request.
const attachments = find(".attachments");
if (attachments) {
  const drop = find(".drop", attachments);
  const status = find("[role=status]", attachments);

  const reason = async (response) => {
    const answer = await response.json().catch(() => ({}));
    return answer.error ?? `the server answered ${response.status}`;
  };

  const attach = async (files) => {
    for (const file of files) {
      if (file.size > Number(attachments.dataset.largest)) {
        status.textContent = `${file.name} is larger than an attachment may be.`;
        return;
      }
      status.textContent = `Attaching ${file.name} …`;
      const url = `/api/notes/${attachments.dataset.note}/attachments/${encodeURIComponent(file.name)}`;
      const response = await fetch(url, { method: "PUT", body: file }).catch((error) => error);
      if (!response.ok) {
        const why = response instanceof Error ? "the server cannot be reached" : await reason(response);
        status.textContent = `${file.name} was not attached: ${why}.`;
        return;
      }
    }
    location.reload();
  };

  find("input", drop).addEventListener("change", (event) => attach(event.target.files));
  for (const name of ["dragover", "dragleave", "drop"]) {
    drop.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", name === "dragover");
      if (name === "drop") attach(event.dataTransfer.files);
    });
  }
  attachments.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-remove]");
    if (!button || !confirm("Delete this attachment?")) return;
    const response = await fetch(button.dataset.remove, { method: "DELETE" });
    if (response.ok || response.status === 404) button.closest("li").remove();
    else status.textContent = `It was not deleted: ${await reason(response)}.`;
  });
}

// Who answers: thirty requests, a dot for each, coloured by zone; a ring marks another task of the zone.
find("[data-ask]").addEventListener("click", async ({ target }) => {
  const answers = find(".answers");
  const tasks = new Map();
  const zones = new Map();
  answers.replaceChildren();
  target.disabled = true;
  for (let asked = 0; asked < 30; asked += 1) {
    const response = await fetch("/api/whoami", { cache: "no-store" }).catch(() => null);
    if (!response?.ok) break;
    const { task, zone } = await response.json();
    tasks.set(task, (tasks.get(task) ?? 0) + 1);
    if (!zones.has(zone)) zones.set(zone, task);
    const dot = document.createElement("i");
    dot.dataset.zone = zone.slice(-1);
    dot.title = `task ${task} in ${zone}`;
    if (zones.get(zone) !== task) dot.dataset.other = "";
    answers.append(dot);
  }
  const summary = document.createElement("span");
  summary.className = "hidden";
  summary.textContent = [...tasks].map(([task, count]) => `${count} from task ${task.slice(0, 8)}`).join(", ");
  answers.append(summary);
  target.disabled = false;
});
