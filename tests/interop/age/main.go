// An implementation of age that is not ours opens our parcels and makes such as ours have to open.
//
//	age vectors FOLDER            the format's own test vectors into FOLDER, unpacked
//	age open KEYFILE < BODY       what a parcel's body holds, by the encryption key of a node's key file; the contents
//	                              go to standard output as they are, a line about each item to standard error
//	age make EXPIRES KEY... < CONTENTS   a parcel's body for these X25519 keys (base64)
package main

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	vectors "c2sp.org/CCTV/age"
	"filippo.io/age"
)

const charset = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"

// bech32 is BIP 173, for age's keys as text.
func bech32(prefix string, data []byte) string {
	var values []byte
	bits, have := uint(0), 0
	for _, b := range data {
		bits, have = bits<<8|uint(b), have+8
		for have >= 5 {
			have -= 5
			values = append(values, byte(bits>>have&31))
		}
	}
	if have > 0 {
		values = append(values, byte(bits<<(5-have)&31))
	}
	var whole []byte
	for _, c := range prefix {
		whole = append(whole, byte(c>>5))
	}
	whole = append(whole, 0)
	for _, c := range prefix {
		whole = append(whole, byte(c&31))
	}
	whole = append(append(whole, values...), 0, 0, 0, 0, 0, 0)
	sum := uint32(1)
	for _, v := range whole {
		top := sum >> 25
		sum = sum&0x1ffffff<<5 ^ uint32(v)
		for i, g := range []uint32{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3} {
			if top>>i&1 == 1 {
				sum ^= g
			}
		}
	}
	sum ^= 1
	text := prefix + "1"
	for _, v := range values {
		text += string(charset[v])
	}
	for i := 0; i < 6; i++ {
		text += string(charset[sum>>(5*(5-i))&31])
	}
	return text
}

func writeVectors(folder string) error {
	names, err := fs.ReadDir(vectors.Vectors, ".")
	if err != nil {
		return err
	}
	for _, entry := range names {
		text, err := fs.ReadFile(vectors.Vectors, entry.Name())
		if err != nil {
			return err
		}
		head, file, found := bytes.Cut(text, []byte("\n\n"))
		if !found {
			return fmt.Errorf("%s: no empty line", entry.Name())
		}
		if packed, cut := bytes.CutSuffix(head, []byte("\ncompressed: zlib")); cut || bytes.Contains(head, []byte("\ncompressed: zlib\n")) {
			if cut {
				head = packed
			} else {
				head = bytes.Replace(head, []byte("\ncompressed: zlib"), nil, 1)
			}
			reader, err := zlib.NewReader(bytes.NewReader(file))
			if err != nil {
				return err
			}
			if file, err = io.ReadAll(reader); err != nil {
				return err
			}
		}
		text = append(append(head, "\n\n"...), file...)
		if err := os.WriteFile(filepath.Join(folder, entry.Name()), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func identity(keyFile string) (age.Identity, error) {
	text, err := os.ReadFile(keyFile)
	if err != nil {
		return nil, err
	}
	for _, line := range strings.Split(string(text), "\n") {
		if seed, found := strings.CutPrefix(line, "encryption "); found {
			secret, err := base64.StdEncoding.DecodeString(seed)
			if err != nil {
				return nil, err
			}
			return age.ParseX25519Identity(strings.ToUpper(bech32("age-secret-key-", secret)))
		}
	}
	return nil, errors.New("no encryption key in this file")
}

func open(keyFile string) error {
	key, err := identity(keyFile)
	if err != nil {
		return err
	}
	body := bufio.NewReader(os.Stdin)
	line, err := body.ReadString('\n')
	if err != nil {
		return err
	}
	expires, found := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "expires ")
	if _, err := time.Parse("2006-01-02T15:04:05.000Z", expires); !found || err != nil {
		return fmt.Errorf("%q does not say when it expires", line)
	}
	plain, err := age.Decrypt(body, key)
	if err != nil {
		return err
	}
	contents, err := io.ReadAll(plain)
	if err != nil {
		return err
	}
	if err := list(contents); err != nil {
		return err
	}
	_, err = os.Stdout.Write(contents)
	return err
}

func list(contents []byte) error {
	rest, found := bytes.CutPrefix(contents, []byte("tongzhou/1 parcel\n"))
	if !found || len(rest) < 2 || len(rest) < 2+int(binary.BigEndian.Uint16(rest)) {
		return errors.New("not a parcel's contents")
	}
	end := 2 + int(binary.BigEndian.Uint16(rest))
	origin, rest := string(rest[2:end]), rest[end:]
	for len(rest) > 0 {
		if len(rest) < 12 {
			return errors.New("an item is cut off")
		}
		index, size := binary.BigEndian.Uint64(rest), int(binary.BigEndian.Uint32(rest[8:]))
		if size < 32 || len(rest) < 12+size {
			return fmt.Errorf("item of entry %d: %d bytes", index, size)
		}
		_, body, _ := bytes.Cut(rest[44:12+size], []byte("\n\n"))
		fmt.Fprintf(os.Stderr, "%s/%d: %s\n", origin, index, bytes.TrimSpace(body))
		rest = rest[12+size:]
	}
	return nil
}

func seal(expires string, keys []string) error {
	var recipients []age.Recipient
	for _, text := range keys {
		key, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return err
		}
		recipient, err := age.ParseX25519Recipient(bech32("age", key))
		if err != nil {
			return err
		}
		recipients = append(recipients, recipient)
	}
	fmt.Printf("expires %s\n", expires)
	file, err := age.Encrypt(os.Stdout, recipients...)
	if err != nil {
		return err
	}
	if _, err := io.Copy(file, os.Stdin); err != nil {
		return err
	}
	return file.Close()
}

func main() {
	err := errors.New("age vectors FOLDER | open KEYFILE | make EXPIRES KEY...")
	switch {
	case len(os.Args) == 3 && os.Args[1] == "vectors":
		err = writeVectors(os.Args[2])
	case len(os.Args) == 3 && os.Args[1] == "open":
		err = open(os.Args[2])
	case len(os.Args) > 3 && os.Args[1] == "make":
		err = seal(os.Args[2], os.Args[3:])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
