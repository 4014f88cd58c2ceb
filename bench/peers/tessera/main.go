// Tessera's POSIX driver at the same work as bench_append: records of 1 kB into a log on a local disk, each acknowledged
// once it is durable.
//
//	tessera -dir DIR -records N -batch N -writers N [-size BYTES]
//
// Writers add one record after the other, each waiting for its own to be given its place, as the driver promises it
// durable then. One JSON object.
package main

import (
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/storage/posix"
	"golang.org/x/mod/sumdb/note"
)

func open(ctx context.Context, dir string, batch, writers int) (*tessera.Appender, func(context.Context) error, error) {
	secret, _, err := note.GenerateKey(rand.Reader, "bench.example")
	if err != nil {
		return nil, nil, err
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		return nil, nil, err
	}
	driver, err := posix.New(ctx, posix.Config{Path: dir})
	if err != nil {
		return nil, nil, err
	}
	options := tessera.NewAppendOptions().
		WithCheckpointSigner(signer).
		WithBatching(uint(batch), 10*time.Millisecond).
		WithPushback(uint(2 * writers))
	appender, shutdown, _, err := tessera.NewAppender(ctx, driver, options)
	return appender, shutdown, err
}

func run(dir string, records, batch, writers, size int) error {
	ctx := context.Background()
	appender, shutdown, err := open(ctx, dir, batch, writers)
	if err != nil {
		return err
	}
	var next atomic.Int64
	var group sync.WaitGroup
	var failure atomic.Value
	took := make([]time.Duration, records)
	places := make([]atomic.Bool, records)
	start := time.Now()
	for range writers {
		group.Add(1)
		go func() {
			defer group.Done()
			for i := next.Add(1) - 1; i < int64(records); i = next.Add(1) - 1 {
				record := make([]byte, size)
				copy(record, fmt.Sprintf("record %d ", i))
				begun := time.Now()
				index, err := appender.Add(ctx, tessera.NewEntry(record))()
				took[i] = time.Since(begun)
				if err != nil {
					failure.Store(err)
					return
				}
				if index.Index >= uint64(records) || places[index.Index].Swap(true) {
					failure.Store(fmt.Errorf("place %d was given twice or is beyond the end", index.Index))
					return
				}
			}
		}()
	}
	group.Wait()
	seconds := time.Since(start).Seconds()
	if err, ok := failure.Load().(error); ok {
		return err
	}
	if err := shutdown(ctx); err != nil {
		return err
	}
	slices.Sort(took)
	fmt.Printf("{\"records\":%d,\"seconds\":%.3f,\"rate\":%.0f,\"median_ms\":%.3f}\n", records, seconds,
		float64(records)/seconds, took[records/2].Seconds()*1e3)
	return nil
}

func main() {
	dir := flag.String("dir", "", "folder of the log")
	records := flag.Int("records", 10000, "how many")
	batch := flag.Int("batch", 256, "at most so many are integrated at once")
	writers := flag.Int("writers", 1, "at the same time")
	size := flag.Int("size", 1000, "bytes of each")
	flag.Parse()
	if err := run(*dir, *records, *batch, *writers, *size); err != nil {
		fmt.Fprintln(os.Stderr, "tessera:", err)
		os.Exit(1)
	}
}
