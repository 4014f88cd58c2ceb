package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const answerMax = 64 << 20

// client reads http:// from nodes and file:// from static exports, and follows no redirect.
var client = newClient()

func newClient() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.RegisterProtocol("file", http.NewFileTransport(http.Dir("/")))
	return &http.Client{
		Transport:     transport,
		Timeout:       time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func request(url, rangeHeader string, status int) (*http.Response, []byte, error) {
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return nil, nil, err
	}
	req.Header.Set("Accept-Encoding", "identity")
	if rangeHeader != "" {
		req.Header.Set("Range", rangeHeader)
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, answerMax+1))
	if err != nil {
		return nil, nil, err
	}
	if resp.StatusCode != status {
		return nil, nil, fmt.Errorf("%s: status %s, wanted %d", url, resp.Status, status)
	}
	if len(body) > answerMax {
		return nil, nil, fmt.Errorf("%s: more than %d bytes", url, answerMax)
	}
	return resp, body, nil
}

func get(url string) ([]byte, error) {
	_, body, err := request(url, "", http.StatusOK)
	return body, err
}

// getImmutable also checks what PROTOCOL.md says of the answers that never change. Files have no such headers.
func getImmutable(url string) ([]byte, error) {
	resp, body, err := request(url, "", http.StatusOK)
	if err != nil || strings.HasPrefix(url, "file:") {
		return body, err
	}
	if kind := resp.Header.Get("Content-Type"); kind != "application/octet-stream" {
		return nil, fmt.Errorf("%s: Content-Type %q", url, kind)
	}
	if cache := resp.Header.Get("Cache-Control"); cache != "public, max-age=31536000, immutable" {
		return nil, fmt.Errorf("%s: Cache-Control %q", url, cache)
	}
	return body, nil
}

// tilePath is the C2SP tlog-tiles path of a tile (level as text) or of an entry bundle (level "entries").
func tilePath(level string, n int64, width int) string {
	path := fmt.Sprintf("%03d", n%1000)
	for n >= 1000 {
		n /= 1000
		path = fmt.Sprintf("x%03d/%s", n%1000, path)
	}
	if width != 256 {
		path += ".p/" + strconv.Itoa(width)
	}
	return "/tile/" + level + "/" + path
}

// fetchBundle gets and splits entry bundle n. The bytes come back, too.
func fetchBundle(base string, n int64, width int) (entries [][]byte, data []byte, err error) {
	data, err = getImmutable(base + tilePath("entries", n, width))
	if err != nil {
		return nil, nil, err
	}
	for rest := data; len(rest) > 0; {
		if len(rest) < 2 || len(rest) < 2+int(binary.BigEndian.Uint16(rest)) {
			return nil, nil, fmt.Errorf("entry bundle %d is cut short", n)
		}
		size := int(binary.BigEndian.Uint16(rest))
		if size == 0 {
			return nil, nil, fmt.Errorf("entry bundle %d: an entry of 0 bytes", n)
		}
		entries = append(entries, rest[2:2+size])
		rest = rest[2+size:]
	}
	if len(entries) != width {
		return nil, nil, fmt.Errorf("entry bundle %d has %d entries, wanted %d", n, len(entries), width)
	}
	return entries, data, nil
}

// checkRange asks for the second half of a bundle the way a mirror fetches what is new.
func checkRange(base string, n int64, width int, whole []byte) error {
	url := base + tilePath("entries", n, width)
	if strings.HasPrefix(url, "file:") || len(whole) < 2 {
		return nil
	}
	from := len(whole) / 2
	_, part, err := request(url, fmt.Sprintf("bytes=%d-", from), http.StatusPartialContent)
	if err == nil && !bytes.Equal(part, whole[from:]) {
		err = fmt.Errorf("%s: a range of other bytes than the whole", url)
	}
	return err
}

// heads lists a node's logs as /heads announces them: HEX, origin and size.
type headLine struct {
	hex, origin string
	size        int64
}

func heads(node string) ([]headLine, error) {
	var out []headLine
	for cursor, more := "", true; more; {
		url := node + "/heads"
		if cursor != "" {
			url += "?since=" + cursor
		}
		data, err := get(url)
		if err != nil {
			return nil, err
		}
		text, ended := strings.CutSuffix(string(data), "\n")
		if !ended {
			return nil, errors.New("/heads does not end with LF")
		}
		lines := strings.Split(text, "\n")
		for _, line := range lines[:len(lines)-1] {
			fields := strings.Split(line, " ")
			if len(fields) != 3 {
				return nil, fmt.Errorf("/heads: line %q", line)
			}
			size, err := strconv.ParseInt(fields[2], 10, 64)
			if err != nil {
				return nil, fmt.Errorf("/heads: size %q", fields[2])
			}
			out = append(out, headLine{fields[0], fields[1], size})
		}
		var word string
		word, cursor, _ = strings.Cut(lines[len(lines)-1], " ")
		if word != "next" && word != "more" || cursor == "" {
			return nil, fmt.Errorf("/heads ends with %q", lines[len(lines)-1])
		}
		more = word == "more"
	}
	return out, nil
}
