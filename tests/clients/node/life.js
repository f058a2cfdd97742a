// A framework on mesos-framework, a library that knows nothing of Bourse. It lives a whole life
// against the master at HOST PORT and prints a line for each step; what is not as it should be ends
// it with a status. Usage: node life.js HOST PORT LOG_DIRECTORY
"use strict";

const { Scheduler, Mesos } = require("mesos-framework");
const mesos = Mesos.getMesos();
const [masterUrl, port, logs] = process.argv.slice(2);

function command(text) {
  return new mesos.CommandInfo(null, new mesos.Environment([]), true, text, null, null);
}

function task(priority, text) {
  return { priority, instances: 1, commandInfo: command(text),
           resources: { cpus: 0.1, mem: 32, disk: 0, ports: 1 } };
}

function fail(what) {
  console.error("failed:", what);
  process.exit(1);
}

// `tolerates`: what this connection's own end says, which the library calls an error.
function scheduler(tasks, tolerates) {
  const made = new Scheduler({
    masterUrl, port, frameworkName: "node", frameworkFailoverTimeout: 60, useZk: false,
    masterConnectionTimeout: 60, tasks, restartStates: [],
    logging: { path: logs, fileName: "client.log", level: "error" },
  });
  made.on("error", (error) => {
    const text = String(error.message || error);
    if (!tolerates.some((part) => text.includes(part))) fail(text);
    console.log("ended:", text);
    made.emit("ended");
    if (text.includes("connection was closed")) made.emit("stream closed");
  });
  made.on("update", ({ status }) => {
    const line = `${status.task_id.value.split(".")[1]} ${status.state}`;
    console.log(status.uuid ? line : `${line} told`);
    made.emit(status.uuid ? line : `${line} told`, status);
  });
  made.on("subscribed", ({ frameworkId }) => console.log("subscribed", frameworkId));
  return made;
}

function once(emitter, name) {
  return new Promise((resolve) => emitter.once(name, resolve));
}

const ends = ["Framework failed over", "Long-running connection was closed"];

async function live() {
  const first = scheduler({ long: task(1, "sleep 1000"), quick: task(2, "true") }, [...ends]);
  const running = once(first, "long-1 TASK_RUNNING");
  const finished = once(first, "quick-1 TASK_FINISHED");
  await once(first, "ready");
  first.subscribe();
  const { task_id: taskId, agent_id: agentId } = await running;
  await finished;

  const told = once(first, "long-1 TASK_RUNNING told");
  first.reconcile(taskId.value, agentId.value);
  await told;

  const second = scheduler({}, ends);
  await once(second, "ready");
  second.frameworkId = first.frameworkId;
  const over = once(first, "ended");
  const subscribed = once(second, "subscribed");
  first.subscribe = () => {};  // it would take the framework back
  second.subscribe();
  await Promise.all([over, subscribed]);
  console.log("failed over");

  const toldAgain = once(second, "long-1 TASK_RUNNING told");
  second.reconcile();
  await toldAgain;
  const killed = once(second, "long-1 TASK_KILLED");
  second.kill(taskId.value, agentId.value);
  await killed;
  await once(second, "sent_acknowledge");
  second.subscribe = () => {};
  // It declines offers that cross its teardown.
  ends.push("Framework is not subscribed", "Framework cannot be found");
  const ended = once(second, "stream closed");
  second.teardown();
  await ended;
  console.log("torn down");
  process.exit(0);
}

live().catch((error) => fail(error.stack));
