package main

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type checkpoint struct {
	raw    []byte
	text   string // what is signed
	lines  []string
	origin string
	tree   tlog.Tree
}

func parseCheckpoint(raw []byte) (*checkpoint, error) {
	split := strings.LastIndex(string(raw), "\n\n")
	if split < 0 {
		return nil, errors.New("checkpoint without signatures")
	}
	c := &checkpoint{raw: raw, text: string(raw[:split+1])}
	c.lines = strings.Split(strings.TrimSuffix(string(raw[split+2:]), "\n"), "\n")
	fields := strings.Split(c.text, "\n")
	if len(fields) != 4 || fields[3] != "" {
		return nil, fmt.Errorf("checkpoint of %d lines, wanted 3", len(fields)-1)
	}
	size, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil || size < 1 || strconv.FormatInt(size, 10) != fields[1] {
		return nil, fmt.Errorf("checkpoint of size %q", fields[1])
	}
	root, err := tlog.ParseHash(fields[2])
	if err != nil {
		return nil, err
	}
	c.origin, c.tree = fields[0], tlog.Tree{N: size, Hash: root}
	return c, nil
}

func (c *checkpoint) signedBy(vkey string) error {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return err
	}
	if _, err := note.Open(c.raw, note.VerifierList(verifier)); err != nil {
		return fmt.Errorf("checkpoint not signed by %s: %v", vkey, err)
	}
	return nil
}

// signed holds the checkpoint to the rule of its size: the key in force, and with it the key that signed the
// rotation if the checkpoint ends with one.
func (c *checkpoint) signed(m *member) error {
	if err := c.signedBy(m.vkeys[len(m.vkeys)-1]); err != nil {
		return err
	}
	if m.rotatedAt == 0 || c.tree.N != m.rotatedAt+1 {
		return nil
	}
	vkey, err := vkeyOf(m.origin, m.rotatedBy)
	if err != nil {
		return err
	}
	return c.signedBy(vkey)
}

// cosignatures counts those members whose cosignature holds (C2SP tlog-cosignature, type 0x04). One that claims a
// known member's key and does not hold is an error.
func (c *checkpoint) cosignatures(members map[string]*member) (int, error) {
	count := 0
	for _, line := range c.lines {
		fields := strings.Split(strings.TrimPrefix(line, "— "), " ")
		m := members[fields[0]]
		if len(fields) != 2 || m == nil || fields[0] == c.origin {
			continue
		}
		public, err := base64.StdEncoding.DecodeString(m.cosigner)
		if err != nil || len(public) != ed25519.PublicKeySize {
			return 0, fmt.Errorf("%s has no cosigner key", m.origin)
		}
		id := sha256.Sum256(append([]byte(m.origin+"\n\x04"), public...))
		sig, err := base64.StdEncoding.DecodeString(fields[1])
		if err != nil || len(sig) != 4+8+ed25519.SignatureSize || string(sig[:4]) != string(id[:4]) {
			continue
		}
		signed := fmt.Sprintf("cosignature/v1\ntime %d\n%s", binary.BigEndian.Uint64(sig[4:]), c.text)
		if !ed25519.Verify(public, []byte(signed), sig[12:]) {
			return 0, fmt.Errorf("the cosignature of %s does not hold", m.origin)
		}
		count++
	}
	return count, nil
}
