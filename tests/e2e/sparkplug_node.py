"""An edge node of Sparkplug B on pysparkplug, which knows nothing of us: driven by lines of JSON on standard input, tells what it hears and has done as lines of JSON on standard output.
Run by sparkplug_test.py in a Python of its own: sparkplug_node.py HOST PORT TOKEN GROUP NODE."""
import json
import sys

import pysparkplug as spb

HOST, PORT, TOKEN, GROUP, NODE = sys.argv[1:]


def tell(what, **more):
    print(json.dumps({"what": what, **more}), flush=True)


def metric(given):
    """name or alias, type, value, at (milliseconds)."""
    return spb.Metric(timestamp=given["at"], name=given.get("name"), datatype=spb.DataType[given["type"]], value=given.get("value"), alias=given.get("alias"), is_null=given.get("value") is None)


def heard(_, message):
    tell("heard", kind=str(message.topic.message_type), topic=str(message.topic), metrics={m.name: m.value for m in message.payload.metrics})


class Node:
    """do_<what> does what a line says."""

    client = node = None

    def do_birth(self, metrics, devices=()):
        """Begins; a second time anew, as after the request for it."""
        if self.node:
            self.node.disconnect()
        self.client = spb.Client(client_id=f"{GROUP}-{NODE}", username="device", password=TOKEN)
        self.node = spb.EdgeNode(group_id=GROUP, edge_node_id=NODE, metrics=[metric(m) for m in metrics], client=self.client, cmd_callback=heard)
        for device, of_device in devices:
            self.node.register(spb.Device(device, [metric(m) for m in of_device], cmd_callback=heard))
        self.node.connect(HOST, port=int(PORT))

    def do_data(self, metrics):
        self.node.update([metric(m) for m in metrics])

    def do_device_data(self, device, metrics):
        self.node.update_device(device, [metric(m) for m in metrics])

    def do_by_alias(self, sequence, metrics, device=None):
        """As nodes do that save bytes: neither names nor types; with a sequence number of the caller's."""
        kind, payload = (spb.MessageType.DDATA, spb.DData) if device else (spb.MessageType.NDATA, spb.NData)
        topic = spb.Topic(message_type=kind, group_id=GROUP, edge_node_id=NODE, device_id=device)
        body = payload(timestamp=metrics[0]["at"], seq=sequence, metrics=tuple(metric(m) for m in metrics))
        self.client.publish(spb.Message(topic=topic, payload=body, qos=spb.QoS.AT_MOST_ONCE, retain=False), include_dtypes=False)

    def do_device_death(self, device):
        self.node.deregister(device)

    def do_death(self):
        self.node.disconnect()
        self.node = None


def main():
    node = Node()
    for line in sys.stdin:
        given = json.loads(line)
        what = given.pop("do")
        getattr(node, f"do_{what}")(**given)
        tell("done", of=what)


if __name__ == "__main__":
    main()
