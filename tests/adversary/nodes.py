"""Real nodes on loopback, as the adversary meets them."""
import re

from real import Broken, RealNode, answer_of, connection_to, until

__all__ = ["Broken", "Node", "until"]


class Node(RealNode):
    def __init__(self, home, name):
        super().__init__(home, name)
        self.url = None

    def serve(self):
        self.start("--listen", "127.0.0.1:0", "--alone")
        self.url = re.search(r"http://[^/ ]+", self.said())[0]

    def peers(self):
        """URL: (word, reason); the word is fine, remark, failed or aside."""
        words = {"SET ASIDE": "aside", "remark": "remark"}
        found = {}
        for line in self.run("peer", "list").splitlines():
            tail = re.search(r"; (SET ASIDE|remark|failed \d+ times?): (.*)$", line)
            found[line.split()[0]] = (words.get(tail[1], "failed"), tail[2]) if tail else ("fine", "")
        return found

    def memory(self):
        """The most it ever had resident, in bytes."""
        with open("/proc/%d/status" % self.process.pid) as status:
            return int(re.search(r"VmHWM:\s+(\d+)", status.read())[1]) * 1024

    def get(self, path, **options):
        return answer_of(connection_to(self.url.split("/")[2], **options), path)
