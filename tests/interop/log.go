package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"

	"golang.org/x/mod/sumdb/tlog"
)

// log is one log as one node serves it, all of it checked.
type log struct {
	base       string
	checkpoint *checkpoint
	member     *member
	hashes     storage
	tiles      int
	payloads   int
}

// storage keeps all hashes of a tree in x/mod's order.
type storage []tlog.Hash

func (s storage) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		if index >= int64(len(s)) {
			return nil, fmt.Errorf("hash %d of %d", index, len(s))
		}
		out[i] = s[index]
	}
	return out, nil
}

// readLog fetches every entry, rebuilds the tree from them, and compares root, tiles and payloads with what is served.
func readLog(base string) (*log, error) {
	raw, err := get(base + "/checkpoint")
	if err != nil {
		return nil, err
	}
	l := &log{base: base}
	if l.checkpoint, err = parseCheckpoint(raw); err != nil {
		return nil, err
	}
	l.member = &member{origin: l.checkpoint.origin}
	if err := l.readEntries(); err != nil {
		return nil, err
	}
	if err := l.compareTiles(); err != nil {
		return nil, err
	}
	if err := l.checkProofs(); err != nil {
		return nil, err
	}
	return l, l.checkpoint.signed(l.member)
}

func (l *log) readEntries() error {
	size := l.checkpoint.tree.N
	for n := int64(0); n*256 < size; n++ {
		width := int(min(256, size-n*256))
		entries, data, err := fetchBundle(l.base, n, width)
		if err != nil {
			return err
		}
		for i, entry := range entries {
			index := n*256 + int64(i)
			hashes, err := tlog.StoredHashes(index, entry, l.hashes)
			if err != nil {
				return err
			}
			l.hashes = append(l.hashes, hashes...)
			if err := l.member.fold(index, entry); err != nil {
				return err
			}
		}
		if err := l.readPayloads(n, entries); err != nil {
			return err
		}
		if n*256+256 >= size {
			if err := checkRange(l.base, n, width, data); err != nil {
				return err
			}
		}
	}
	root, err := tlog.TreeHash(size, l.hashes)
	if err == nil && root != l.checkpoint.tree.Hash {
		err = fmt.Errorf("the entries have the root %v, the checkpoint says %v", root, l.checkpoint.tree.Hash)
	}
	return err
}

// compareTiles compares every tile of every level, partial ones included, with the one made from the entries.
func (l *log) compareTiles() error {
	for _, tile := range tlog.NewTiles(8, 0, l.checkpoint.tree.N) {
		want, err := tlog.ReadTileData(tile, l.hashes)
		if err != nil {
			return err
		}
		have, err := getImmutable(l.base + tilePath(strconv.Itoa(tile.L), tile.N, tile.W))
		if err != nil {
			return err
		}
		if !bytes.Equal(have, want) {
			return fmt.Errorf("tile %d/%d is not what the entries make", tile.L, tile.N)
		}
		l.tiles++
	}
	return nil
}

// served lets x/mod's client fetch and authenticate tiles as it does with any log.
type served struct{ base string }

func (s served) Height() int { return 8 }

func (s served) ReadTiles(want []tlog.Tile) ([][]byte, error) {
	var out [][]byte
	for _, tile := range want {
		data, err := get(s.base + tilePath(strconv.Itoa(tile.L), tile.N, tile.W))
		if err != nil {
			return nil, err
		}
		out = append(out, data)
	}
	return out, nil
}

func (s served) SaveTiles([]tlog.Tile, [][]byte) {}

// checkProofs proves a few entries and an older tree from the served tiles alone.
func (l *log) checkProofs() error {
	tree := l.checkpoint.tree
	reader := tlog.TileHashReader(tree, served{l.base})
	for _, index := range []int64{0, tree.N / 3, tree.N / 2, tree.N - 1} {
		proof, err := tlog.ProveRecord(tree.N, index, reader)
		if err != nil {
			return err
		}
		leaf := l.hashes[tlog.StoredHashIndex(0, index)]
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, index, leaf); err != nil {
			return fmt.Errorf("inclusion of entry %d: %v", index, err)
		}
	}
	return l.contains(tlog.Tree{N: (tree.N + 1) / 2})
}

// contains checks that an older tree (its root, if given) is a beginning of this one.
func (l *log) contains(old tlog.Tree) error {
	tree := l.checkpoint.tree
	root, err := tlog.TreeHash(old.N, l.hashes)
	if err != nil {
		return err
	}
	if old.Hash == (tlog.Hash{}) {
		old.Hash = root
	}
	proof, err := tlog.ProveTree(tree.N, old.N, tlog.TileHashReader(tree, served{l.base}))
	if err != nil {
		return err
	}
	return tlog.CheckTree(proof, tree.N, tree.Hash, old.N, old.Hash)
}

// readPayloads checks the seals of what is served of bundle n, which may come in several answers.
func (l *log) readPayloads(n int64, entries [][]byte) error {
	for at := 0; at < len(entries); {
		url := fmt.Sprintf("%s/payload/%d?from=%d&to=%d", l.base, n, n*256+int64(at), n*256+int64(len(entries)))
		if at == 0 {
			url = fmt.Sprintf("%s/payload/%d", l.base, n)
		}
		data, err := get(url)
		if err != nil {
			return err
		}
		if len(data) == 0 {
			return fmt.Errorf("payload bundle %d: an empty answer", n)
		}
		for ; len(data) > 0 && at < len(entries); at++ {
			if data, err = l.readPayload(n*256+int64(at), entries[at], data); err != nil {
				return err
			}
		}
		if len(data) > 0 {
			return fmt.Errorf("payload bundle %d: %d bytes too many", n, len(data))
		}
	}
	return nil
}

func (l *log) readPayload(index int64, entry, data []byte) ([]byte, error) {
	if len(data) < 4 || uint64(len(data)-4) < uint64(binary.BigEndian.Uint32(data)) {
		return nil, errors.New("a payload is cut short")
	}
	size := int(binary.BigEndian.Uint32(data))
	item, rest := data[4:4+size], data[4+size:]
	if size == 0 {
		return rest, nil
	}
	origin := l.checkpoint.origin
	hash := sha256.New()
	hash.Write([]byte("tongzhou/1 seal\n"))
	hash.Write([]byte{byte(len(origin) >> 8), byte(len(origin))})
	hash.Write([]byte(origin))
	hash.Write(item)
	if size <= 32 || string(entry) != "tongzhou/1 seal\nsha256 "+hex.EncodeToString(hash.Sum(nil))+"\n\n" {
		return nil, fmt.Errorf("the payload of entry %d is not what its seal commits to", index)
	}
	if head, _, found := bytes.Cut(item[32:], []byte("\n\n")); !found || !bytes.Contains(head, []byte("\ntlp clear")) {
		return nil, fmt.Errorf("the payload of entry %d is served and not marked clear", index)
	}
	l.payloads++
	return rest, nil
}
