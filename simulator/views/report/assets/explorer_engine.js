// The engine of the page: in a worker, or in the page itself where no worker may be made. It begins while the rest of the
// page is still read, with what every page asks first. Promises ask(question), which promises the answer.
async function startEngine() {
  "use strict";
  const $ = (id) => document.getElementById(id), text = $("data").textContent;

  async function served() {
    const source = $("engine").textContent + "\nconst engine = makeEngine(); onmessage = async ({ data }) => { try {"
      + " const found = typeof data === 'string' ? await engine.loadPage(data) : engine.answer(data);"
      + " postMessage({ found }); } catch (error) { postMessage({ error: String(error) }); } };";
    const worker = new Worker(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
    let settle = null;
    worker.onmessage = ({ data }) => (data.error ? settle.reject(new Error(data.error)) : settle.resolve(data.found));
    worker.onerror = (event) => { event.preventDefault(); settle.reject(new Error(event.message || "no worker")); };
    const ask = (question) => new Promise((resolve, reject) => { settle = { resolve, reject }; worker.postMessage(question); });
    return { ask, arms: await ask(text) };
  }

  async function inPage() {
    const engine = makeEngine(), arms = await engine.loadPage(text);
    return { ask: async (question) => engine.answer(question), arms };
  }

  const { ask, arms } = await served().catch(inPage);
  if (location.hash) return ask; // another question comes first
  const first = { set: {}, which: arms, rest: false }, answer = ask(first), settled = answer.catch(() => {});
  return async (question) => {
    if (JSON.stringify(question) === JSON.stringify(first)) return answer;
    await settled;
    return ask(question);
  };
}
const askEngine = startEngine();
askEngine.catch(() => {}); // the page says it, once it is there
