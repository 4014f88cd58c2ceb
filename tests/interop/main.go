// Interop verifies Tongzhou nodes over HTTP with none of Tongzhou's code: signed notes and trees by golang.org/x/mod,
// the rest from PROTOCOL.md. Every entry, every tile of every level, every seal, every key change, every cosignature
// by a member whose log is there too.
//
//	interop [flags] NODE-URL...      a node: http://127.0.0.1:8440, or file:///path of a static export
//
// With several nodes, a log that more than one holds must be the same on all of them, or the beginning of the other.
package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
)

// demands are what one log, chosen by its name, must show on every node that was given.
type demands struct {
	name      string
	vkeys     []string
	cosigned  int
	entries   int64
	payloads  int
	rotations int
}

func (d *demands) check(l *log, cosigned int) error {
	for _, vkey := range d.vkeys {
		known := false
		for _, v := range l.member.vkeys {
			known = known || v == vkey
		}
		if !known {
			return fmt.Errorf("%s is no key of this log", vkey)
		}
		if err := l.checkpoint.signedBy(vkey); err != nil {
			return err
		}
	}
	switch {
	case cosigned < d.cosigned:
		return fmt.Errorf("%d cosignatures hold, wanted %d", cosigned, d.cosigned)
	case l.checkpoint.tree.N < d.entries:
		return fmt.Errorf("%d entries, wanted %d", l.checkpoint.tree.N, d.entries)
	case l.payloads < d.payloads:
		return fmt.Errorf("%d payloads, wanted %d", l.payloads, d.payloads)
	case len(l.member.vkeys)-1 != d.rotations && d.rotations >= 0:
		return fmt.Errorf("%d rotations, wanted %d", len(l.member.vkeys)-1, d.rotations)
	}
	return nil
}

// readNode verifies all logs of a node, by origin.
func readNode(node string) (map[string]*log, error) {
	var about struct {
		Operator string `json:"operator"`
		Version  int    `json:"tongzhou"`
	}
	data, err := get(node + "/node")
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(data, &about); err != nil {
		return nil, fmt.Errorf("/node: %v", err)
	}
	lines, err := heads(node)
	if err != nil {
		return nil, err
	}
	logs := make(map[string]*log)
	for _, line := range lines {
		sum := sha256.Sum256([]byte(line.origin))
		if line.hex != hex.EncodeToString(sum[:]) {
			return nil, fmt.Errorf("/heads: %s is not the hash of %s", line.hex, line.origin)
		}
		l, err := readLog(node + "/logs/" + line.hex)
		if err != nil {
			return nil, fmt.Errorf("%s: %v", line.origin, err)
		}
		if l.checkpoint.origin != line.origin || l.checkpoint.tree.N < line.size {
			return nil, fmt.Errorf("%s of %d entries was announced, %s of %d is served", line.origin, line.size,
				l.checkpoint.origin, l.checkpoint.tree.N)
		}
		logs[line.origin] = l
	}
	if about.Version != 1 || logs[about.Operator] == nil {
		return nil, fmt.Errorf("/node: version %d, operator %q", about.Version, about.Operator)
	}
	return logs, nil
}

// agree holds two copies of a log against each other.
func agree(a, b *log) error {
	if a.checkpoint.tree.N < b.checkpoint.tree.N {
		a, b = b, a
	}
	if err := a.contains(b.checkpoint.tree); err != nil {
		return err
	}
	if a.checkpoint.tree.N == b.checkpoint.tree.N && a.payloads != b.payloads {
		return fmt.Errorf("%d payloads and %d", a.payloads, b.payloads)
	}
	return nil
}

func run(nodes []string, d *demands) error {
	seen := make(map[string]*log)
	members := make(map[string]*member)
	all := make([]map[string]*log, len(nodes))
	for i, node := range nodes {
		logs, err := readNode(strings.TrimSuffix(node, "/"))
		if err != nil {
			return fmt.Errorf("%s: %v", node, err)
		}
		for origin, l := range logs {
			if other := seen[origin]; other != nil {
				if err := agree(other, l); err != nil {
					return fmt.Errorf("%s differs between %s and %s: %v", origin, other.base, l.base, err)
				}
			}
			if other := seen[origin]; other == nil || other.checkpoint.tree.N < l.checkpoint.tree.N {
				seen[origin], members[origin] = l, l.member
			}
		}
		all[i] = logs
	}
	for i, node := range nodes {
		met := d.name == ""
		for origin, l := range all[i] {
			cosigned, err := l.checkpoint.cosignatures(members)
			if err == nil && strings.HasPrefix(origin, d.name+"/") {
				met = true
				err = d.check(l, cosigned)
			}
			if err != nil {
				return fmt.Errorf("%s: %s: %v", node, origin, err)
			}
			fmt.Printf("%s %s: %d entries, %d tiles, %d payloads, %d keys, %d cosignatures\n", node, origin,
				l.checkpoint.tree.N, l.tiles, l.payloads, len(l.member.vkeys), cosigned)
		}
		if !met {
			return fmt.Errorf("%s: no log of %s", node, d.name)
		}
	}
	return nil
}

func main() {
	var d demands
	flag.StringVar(&d.name, "log", "", "the `name` of the member whose log the other flags speak of")
	flag.Func("vkey", "its checkpoint must be signed by this `key` of its own; may be given twice", func(v string) error {
		d.vkeys = append(d.vkeys, v)
		return nil
	})
	flag.IntVar(&d.cosigned, "cosigned", 0, "it must have at least `n` cosignatures that hold")
	flag.Int64Var(&d.entries, "entries", 0, "it must have at least `n` entries")
	flag.IntVar(&d.payloads, "payloads", 0, "at least `n` payloads must be served")
	flag.IntVar(&d.rotations, "rotations", -1, "its key must have changed exactly `n` times")
	flag.Parse()
	if flag.NArg() == 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := run(flag.Args(), &d); err != nil {
		fmt.Fprintln(os.Stderr, "interop:", err)
		os.Exit(1)
	}
}
