// Interop verifies a Tongzhou log over HTTP with none of Tongzhou's code: signed notes and trees by
// golang.org/x/mod, the rest from PROTOCOL.md. Every entry, every tile, every seal.
//
//	interop LOG-URL                      keys are taken from entry 0 and the rotations in the log
//	interop LOG-URL VKEY                 and the checkpoint must be signed by this key
//	interop LOG-URL OLD-VKEY NEW-VKEY    and by both: a rotation's checkpoint
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func get(url string) ([]byte, error) {
	resp, err := http.Get(url)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", url, resp.Status)
	}
	return io.ReadAll(resp.Body)
}

// tilePath is the C2SP tlog-tiles path; x/mod's own names the height, too.
func tilePath(level string, n int64, width int) string {
	s := fmt.Sprintf("%03d", n%1000)
	for n >= 1000 {
		n /= 1000
		s = fmt.Sprintf("x%03d/%s", n%1000, s)
	}
	if width != 256 {
		s += ".p/" + strconv.Itoa(width)
	}
	return "/tile/" + level + "/" + s
}

// tiles lets x/mod fetch and authenticate tiles: it checks each against the signed tree.
type tiles struct {
	base string
	read int
}

func (t *tiles) Height() int { return 8 }

func (t *tiles) ReadTiles(want []tlog.Tile) ([][]byte, error) {
	var out [][]byte
	for _, tile := range want {
		data, err := get(t.base + tilePath(strconv.Itoa(tile.L), tile.N, tile.W))
		if err != nil {
			return nil, err
		}
		out = append(out, data)
		t.read++
	}
	return out, nil
}

func (t *tiles) SaveTiles([]tlog.Tile, [][]byte) {}

func vkey(origin string, public []byte) (string, error) {
	if len(public) != ed25519.PublicKeySize {
		return "", fmt.Errorf("key of %d bytes", len(public))
	}
	return note.NewEd25519VerifierKey(origin, ed25519.PublicKey(public))
}

// record splits a record's text into kind, header and body.
func record(text []byte) (kind string, body []byte, err error) {
	head, body, found := bytes.Cut(text, []byte("\n\n"))
	if !found {
		return "", nil, errors.New("no empty line")
	}
	first, _, _ := strings.Cut(string(head), "\n")
	kind, found = strings.CutPrefix(first, "tongzhou/1 ")
	if !found {
		return "", nil, fmt.Errorf("first line %q", first)
	}
	return kind, body, nil
}

// keys follows the log key from entry 0 through the rotations.
type keys struct {
	origin string
	vkeys  []string
	public string
}

func (k *keys) fold(index int64, entry []byte) error {
	kind, body, err := record(entry)
	if err != nil {
		return nil // not a record that we know: mirrored, not understood
	}
	if index == 0 {
		hash := tlog.RecordHash(entry)
		suffix := strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(hash[:]))
		if !strings.HasSuffix(k.origin, "/"+suffix) {
			return fmt.Errorf("entry 0 hashes to %s, the origin is %s", suffix, k.origin)
		}
		if kind != "connect/profile" {
			return fmt.Errorf("entry 0 is a %s", kind)
		}
		var profile struct {
			LogKey string `json:"log_key"`
		}
		if err := json.Unmarshal(body, &profile); err != nil {
			return err
		}
		return k.push(profile.LogKey)
	}
	if kind != "connect/rotate" {
		return nil
	}
	var rotation struct {
		Old          string `json:"old_key"`
		New          string `json:"new_key"`
		SignedBy     string `json:"signed_by"`
		Recovery     string `json:"recovery_key"`
		Next         string `json:"next_recovery_hash"`
		OldSignature string `json:"old_signature"`
		NewSignature string `json:"new_signature"`
	}
	if err := json.Unmarshal(body, &rotation); err != nil {
		return err
	}
	text := fmt.Sprintf("tongzhou/1 rotate\n%s\n%d\n%s\n%s\n%s\n", k.origin, index, rotation.Old, rotation.New, rotation.Next)
	signer := rotation.Old
	if rotation.SignedBy == "recovery" {
		signer = rotation.Recovery
	}
	if rotation.Old != k.public || !verify(signer, text, rotation.OldSignature) || !verify(rotation.New, text, rotation.NewSignature) {
		return fmt.Errorf("entry %d: the rotation's signatures do not hold", index)
	}
	return k.push(rotation.New)
}

func (k *keys) push(public string) error {
	raw, err := base64.StdEncoding.DecodeString(public)
	if err != nil {
		return err
	}
	v, err := vkey(k.origin, raw)
	if err != nil {
		return err
	}
	k.public = public
	k.vkeys = append(k.vkeys, v)
	return nil
}

func verify(public, text, signature string) bool {
	key, err1 := base64.StdEncoding.DecodeString(public)
	sig, err2 := base64.StdEncoding.DecodeString(signature)
	return err1 == nil && err2 == nil && len(key) == ed25519.PublicKeySize && ed25519.Verify(key, []byte(text), sig)
}

func bundle(base string, n int64, width int) ([][]byte, error) {
	data, err := get(base + tilePath("entries", n, width))
	if err != nil {
		return nil, err
	}
	var out [][]byte
	for len(data) > 0 {
		if len(data) < 2 || len(data) < 2+int(binary.BigEndian.Uint16(data)) {
			return nil, fmt.Errorf("bundle %d is cut", n)
		}
		size := int(binary.BigEndian.Uint16(data))
		out = append(out, data[2:2+size])
		data = data[2+size:]
	}
	if len(out) != width {
		return nil, fmt.Errorf("bundle %d has %d entries, not %d", n, len(out), width)
	}
	return out, nil
}

// payloads checks the seals of what is served of bundle n; it may come in several answers.
func payloads(base, origin string, n int64, entries [][]byte) (int, error) {
	held, at := 0, 0
	for at < len(entries) {
		first := n*256 + int64(at)
		data, err := get(fmt.Sprintf("%s/payload/%d?from=%d&to=%d", base, n, first, n*256+int64(len(entries))))
		if err != nil {
			return 0, err
		}
		before := at
		for len(data) > 0 && at < len(entries) {
			size := int(binary.BigEndian.Uint32(data))
			item := data[4 : 4+size]
			data = data[4+size:]
			if size > 0 {
				hash := sha256.New()
				hash.Write([]byte("tongzhou/1 seal\n"))
				binary.Write(hash, binary.BigEndian, uint16(len(origin)))
				hash.Write([]byte(origin))
				hash.Write(item)
				want := "tongzhou/1 seal\nsha256 " + hex.EncodeToString(hash.Sum(nil)) + "\n\n"
				if string(entries[at]) != want {
					return 0, fmt.Errorf("payload of entry %d is not what its seal commits to", n*256+int64(at))
				}
				held++
			}
			at++
		}
		if at == before {
			return 0, fmt.Errorf("payload bundle %d: an empty answer", n)
		}
	}
	return held, nil
}

func run(base string, given []string) error {
	checkpoint, err := get(base + "/checkpoint")
	if err != nil {
		return err
	}
	lines := strings.Split(string(checkpoint), "\n")
	if len(lines) < 5 {
		return errors.New("no checkpoint")
	}
	origin := lines[0]
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return err
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil {
		return err
	}
	tree := tlog.Tree{N: size, Hash: root}
	reader := &tiles{base: base}
	hashes := tlog.TileHashReader(tree, reader)
	chain := &keys{origin: origin}
	held := 0
	for n := int64(0); n*256 < size; n++ {
		width := int(min(256, size-n*256))
		entries, err := bundle(base, n, width)
		if err != nil {
			return err
		}
		var indexes []int64
		for i := range entries {
			indexes = append(indexes, tlog.StoredHashIndex(0, n*256+int64(i)))
		}
		leaves, err := hashes.ReadHashes(indexes)
		if err != nil {
			return err
		}
		for i, entry := range entries {
			if tlog.RecordHash(entry) != leaves[i] {
				return fmt.Errorf("entry %d is not what its tile says", n*256+int64(i))
			}
			if err := chain.fold(n*256+int64(i), entry); err != nil {
				return err
			}
		}
		count, err := payloads(base, origin, n, entries)
		if err != nil {
			return err
		}
		held += count
	}
	if err := signatures(checkpoint, chain, given); err != nil {
		return err
	}
	fmt.Printf("ok %s: %d entries, %d tile reads, %d payloads, %d keys\n", origin, size, reader.read, held, len(chain.vkeys))
	return nil
}

func signatures(checkpoint []byte, chain *keys, given []string) error {
	want := given
	if len(want) == 0 {
		want = chain.vkeys[len(chain.vkeys)-1:]
	}
	for _, key := range want {
		known := false
		for _, v := range chain.vkeys {
			known = known || v == key
		}
		if !known {
			return fmt.Errorf("%s is no key of this log", key)
		}
		verifier, err := note.NewVerifier(key)
		if err != nil {
			return err
		}
		if _, err := note.Open(checkpoint, note.VerifierList(verifier)); err != nil {
			return fmt.Errorf("%s: %v", key, err)
		}
	}
	return nil
}

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: interop LOG-URL [VKEY [NEW-VKEY]]")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "interop:", err)
		os.Exit(1)
	}
}
