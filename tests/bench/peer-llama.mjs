// A GGUF by llama.cpp (npm's node-llama-cpp): one line of JSON with the speed of a prompt and of the tokens after it.
// node peer-llama.mjs MODEL.gguf THREADS PROMPT_TOKENS TOKENS WARM     WARM 1: the second prompt is timed
import { getLlama } from 'node-llama-cpp';

const [model, threads, promptTokens, tokens, warm] = [process.argv[2], ...process.argv.slice(3).map(Number)];
const llama = await getLlama({ gpu: false, build: 'never', maxThreads: threads, logLevel: 'error' });

let begun = performance.now();
const loaded = await llama.loadModel({ modelPath: model, useMmap: true });
const context = await loaded.createContext({ contextSize: promptTokens + tokens + 8, batchSize: promptTokens, threads });
const sequence = context.getSequence();
const loadMs = performance.now() - begun;

const prompt = Array.from({ length: promptTokens - 1 }, (_, i) => 300 + ((i * 37) % 200));
if (warm) {
  await sequence.evaluateWithoutGeneratingNewTokens(prompt);
  await sequence.clearHistory();
}
begun = performance.now();
await sequence.evaluateWithoutGeneratingNewTokens(prompt);
const promptMs = performance.now() - begun;

const ms = [];
begun = performance.now();
for await (const _ of sequence.evaluate([300], { temperature: 0, yieldEogToken: true })) {
  ms.push(performance.now() - begun);
  begun = performance.now();
  if (ms.length === tokens) break;
}
ms.sort((a, b) => a - b);
console.log(JSON.stringify({ load_ms: loadMs, prompt_tokens_per_second: (1e3 * prompt.length) / promptMs,
  tokens_per_second: 1e3 / ms[ms.length >> 1], process_peak_rss: process.resourceUsage().maxRSS * 1024 }));
process.exit(0);
