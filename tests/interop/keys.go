package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// member is what a log says of its own keys, folded as PROTOCOL.md section 6 says.
type member struct {
	origin, name string
	vkeys        []string // of the log, oldest first
	public       string   // the log key in force, base64
	recovery     string   // hex of the hash of the recovery key in force
	cosigner     string   // base64
	rotatedAt    int64    // index of the last rotation, 0 if none
	rotatedBy    string   // base64 of the key that signed it beside the new one
}

// record splits a record's text. A text that is none has no kind.
func record(text []byte) (kind string, body []byte) {
	head, body, found := bytes.Cut(text, []byte("\n\n"))
	first, _, _ := strings.Cut(string(head), "\n")
	kind, known := strings.CutPrefix(first, "tongzhou/1 ")
	if !found || !known {
		return "", nil
	}
	return kind, body
}

type profile struct {
	Name     string `json:"name"`
	LogKey   string `json:"log_key"`
	Recovery string `json:"recovery_hash"`
	Cosigner string `json:"cosigner_key"`
	Request  string `json:"request_key"`
}

type rotation struct {
	Old          string `json:"old_key"`
	New          string `json:"new_key"`
	SignedBy     string `json:"signed_by"`
	Recovery     string `json:"recovery_key"`
	Next         string `json:"next_recovery_hash"`
	OldSignature string `json:"old_signature"`
	NewSignature string `json:"new_signature"`
}

func (m *member) fold(index int64, entry []byte) error {
	kind, body := record(entry)
	if index == 0 {
		return m.found(kind, body, entry)
	}
	switch kind {
	case "connect/profile":
		m.describe(body)
	case "connect/rotate":
		m.rotate(index, entry, body)
	}
	return nil
}

// found is entry 0, which the origin certifies: nothing else is believed before it fits.
func (m *member) found(kind string, body, entry []byte) error {
	hash := tlog.RecordHash(entry)
	suffix := strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(hash[:]))
	var p profile
	if kind != "connect/profile" {
		return fmt.Errorf("entry 0 is a %q", kind)
	}
	if err := json.Unmarshal(body, &p); err != nil {
		return fmt.Errorf("entry 0: %v", err)
	}
	if m.origin != p.Name+"/"+suffix {
		return fmt.Errorf("entry 0 makes the origin %s/%s, the log says %s", p.Name, suffix, m.origin)
	}
	m.name, m.recovery, m.cosigner = p.Name, p.Recovery, p.Cosigner
	return m.push(p.LogKey)
}

// describe is a later profile; one that does not fit is without effect.
func (m *member) describe(body []byte) {
	var p profile
	if json.Unmarshal(body, &p) != nil || p.Name != m.name || p.LogKey != "" && p.LogKey != m.public ||
		p.Recovery != "" && p.Recovery != m.recovery || m.was(p.Cosigner) || m.was(p.Request) {
		return
	}
	m.cosigner = p.Cosigner
}

// rotate changes the log key; a rotation that does not hold is without effect.
func (m *member) rotate(index int64, entry, body []byte) {
	var r rotation
	if json.Unmarshal(body, &r) != nil || len(entry) > 1024 || len(m.vkeys) > 256 || r.Old != m.public || m.was(r.New) {
		return
	}
	signer := r.Old
	switch {
	case r.SignedBy == "log" && r.Recovery == "" && r.Next == m.recovery:
	case r.SignedBy == "recovery":
		raw, err := base64.StdEncoding.DecodeString(r.Recovery)
		hash := sha256.Sum256(raw)
		if err != nil || hex.EncodeToString(hash[:]) != m.recovery {
			return
		}
		signer = r.Recovery
	default:
		return
	}
	text := fmt.Sprintf("tongzhou/1 rotate\n%s\n%d\n%s\n%s\n%s\n", m.origin, index, r.Old, r.New, r.Next)
	if !verify(signer, text, r.OldSignature) || !verify(r.New, text, r.NewSignature) || m.push(r.New) != nil {
		return
	}
	m.recovery, m.rotatedAt, m.rotatedBy = r.Next, index, signer
}

func (m *member) push(public string) error {
	v, err := vkeyOf(m.origin, public)
	if err != nil {
		return err
	}
	m.public = public
	m.vkeys = append(m.vkeys, v)
	return nil
}

// was tells whether this has ever been a key of the log.
func (m *member) was(public string) bool {
	v, err := vkeyOf(m.origin, public)
	if err != nil {
		return false
	}
	for _, known := range m.vkeys {
		if known == v {
			return true
		}
	}
	return false
}

func vkeyOf(origin, public string) (string, error) {
	raw, err := base64.StdEncoding.DecodeString(public)
	if err != nil {
		return "", err
	}
	if len(raw) != ed25519.PublicKeySize {
		return "", errors.New("a key of another size")
	}
	return note.NewEd25519VerifierKey(origin, ed25519.PublicKey(raw))
}

func verify(public, text, signature string) bool {
	key, err1 := base64.StdEncoding.DecodeString(public)
	sig, err2 := base64.StdEncoding.DecodeString(signature)
	return err1 == nil && err2 == nil && len(key) == ed25519.PublicKeySize && ed25519.Verify(key, []byte(text), sig)
}
