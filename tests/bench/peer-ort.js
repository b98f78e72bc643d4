// ViT-B/16 by ONNX Runtime (npm's onnxruntime-node): one line of JSON with the milliseconds of each frame.
// node peer-ort.js MODEL.onnx THREADS FRAMES
const ort = require('onnxruntime-node');
const { version } = require('onnxruntime-node/package.json');

async function main() {
  const [model, threads, frames] = [process.argv[2], +process.argv[3], +process.argv[4]];
  const session = await ort.InferenceSession.create(model, { intraOpNumThreads: threads, interOpNumThreads: 1 });
  const x = new ort.Tensor('float32', Float32Array.from({ length: 3 * 224 * 224 }, () => Math.random()), [1, 3, 224, 224]);
  const ms = [];
  await session.run({ x });
  for (let i = 0; i < frames; i++) {
    const begun = performance.now();
    await session.run({ x });
    ms.push(performance.now() - begun);
  }
  console.log(JSON.stringify({ ms, rss: process.resourceUsage().maxRSS * 1024, name: `ONNX Runtime ${version}` }));
}

main();
