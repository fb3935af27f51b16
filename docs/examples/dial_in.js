// An agent that dials in (Node.js 22 or a browser): STARS_CREDENTIAL=… node dial_in.js ws://localhost:8000 <agent_id>
// What it has, it has in memory: after a break it goes on with its calls, after a restart it begins anew.

const [address, agent] = process.argv.slice(2);
const pace = Number(process.env.PACE ?? 0.01);
const said = new Map(); // by call: its frames, numbered from 1
let socket;

/** What the agent does: put your own here. `alive()` is false once nobody wants it any more. */
async function work(request, say, alive) {
  if (request.kind === "plan") {
    const able = request.members.filter((each) => each.role === "worker").map((each) => each.agent_id);
    const subtasks = able.map((who) => ({ key: who, title: request.task.slice(0, 80), assignee: who }));
    return say("done", { plan: { subtasks } });
  }
  for (const word of (request.instructions || request.title || request.task).split(/\s+/)) {
    if (!alive()) return;
    say("text", { text: `${word.toUpperCase()} ` });
    await new Promise((done) => setTimeout(done, 1000 * pace));
  }
  say("done", {});
}

function send(frame) {
  if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(frame)); // else after the next welcome
}

const receive = {
  welcome: ({ calls }) => Object.entries(calls).forEach(([call, last]) => said.get(call)?.slice(last).forEach(send)),
  work({ call, request }) {
    const frames = [];
    said.set(call, frames);
    const say = (type, fields) => {
      frames.push({ type, call, seq: frames.length + 1, ...fields });
      send(frames.at(-1));
    };
    work(request, say, () => said.get(call) === frames);
  },
  ack: ({ call, seq }) => said.get(call)?.at(-1)?.type === "done" && said.get(call).length === seq && said.delete(call),
  cancel: ({ call }) => said.delete(call),
  ping: () => send({ type: "pong" }),
};

function dial() {
  const protocols = ["stars.agent.v1", `bearer.${process.env.STARS_CREDENTIAL}`];
  socket = new WebSocket(`${address}/ws/v1/agents/${agent}/`, protocols);
  socket.onopen = () => send({ type: "hello", name: "dial_in.js", parallel: 4, holds: [...said.keys()] });
  socket.onmessage = ({ data }) => receive[JSON.parse(data).type]?.(JSON.parse(data));
  socket.onclose = ({ code }) => (code === 4401 ? process.exit(1) : setTimeout(dial, 1000));
}

dial();
