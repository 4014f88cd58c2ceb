"""Real nodes, each in a network namespace."""
from datetime import datetime

from net import dies_with_us
from real import PATIENCE_S, Broken, RealNode, answer_of, connection_to, until

__all__ = ["PORT", "Broken", "Node", "Peer", "until"]
PORT = 8440


class Peer:
    """What `status` says of one."""

    def __init__(self, said):
        self.state, self.reason, self.failures = said["state"], said["reason"], said["failures"]
        when = said["reached"]
        self.reached = datetime.fromisoformat(when.replace("Z", "+00:00")).timestamp() if when else 0


class Node(RealNode):
    def __init__(self, home, name, space, is_new=True):
        self.space = space
        super().__init__(home, name, space.within, is_new)

    def serve(self, *words):
        self.start("--listen", "0.0.0.0:%d" % PORT, *words, before=dies_with_us)

    def peers(self):
        return {said["url"]: Peer(said) for said in self.status()["peer_list"]}

    def get(self, path):
        connection = connection_to("127.0.0.1:%d" % PORT)
        connection.sock = self.space.connect(PORT, PATIENCE_S)
        return answer_of(connection, path)
