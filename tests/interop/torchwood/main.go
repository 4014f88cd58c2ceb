// Torchwood reads a served log with the client of filippo.io/torchwood: the checkpoint under a policy of log key and
// cosigners, every entry, one entry by its index, and proof files as `tongzhou show --proof` writes them.
//
//	torchwood LOG-URL VKEY COSIGNER-VKEY,... [INDEX PROOF-FILE]...
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// policyOf wants the log's signature and that of every cosigner.
func policyOf(vkey, cosigners string) (torchwood.Policy, error) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return nil, err
	}
	policies := []torchwood.Policy{torchwood.OriginPolicy(verifier.Name()), torchwood.SingleVerifierPolicy(verifier)}
	for _, key := range strings.FieldsFunc(cosigners, func(r rune) bool { return r == ',' }) {
		cosigner, err := torchwood.NewCosignatureVerifier(key)
		if err != nil {
			return nil, fmt.Errorf("%s: %v", key, err)
		}
		policies = append(policies, torchwood.SingleVerifierPolicy(cosigner))
	}
	return torchwood.ThresholdPolicy(len(policies), policies...), nil
}

func readAll(ctx context.Context, client *torchwood.Client, tree tlog.Tree) error {
	next := int64(0)
	for index := range client.AllEntries(ctx, tree, 0) {
		if index != next {
			return fmt.Errorf("entry %d where %d was due", index, next)
		}
		next++
	}
	if err := client.Err(); err != nil {
		return err
	}
	if next != tree.N {
		return fmt.Errorf("%d entries of %d", next, tree.N)
	}
	return nil
}

func checkProof(ctx context.Context, client *torchwood.Client, tree tlog.Tree, policy torchwood.Policy, index, path string) error {
	n, err := strconv.ParseInt(index, 10, 64)
	if err != nil {
		return err
	}
	proof, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	entry, _, err := client.Entry(ctx, tree, n)
	if err != nil {
		return err
	}
	if err := torchwood.VerifyProof(policy, tlog.RecordHash(entry), proof); err != nil {
		return fmt.Errorf("proof of entry %d: %v", n, err)
	}
	return nil
}

func run(base string, policy torchwood.Policy, proofs []string) error {
	ctx := context.Background()
	fetcher, err := torchwood.NewTileFetcher(base)
	if err != nil {
		return err
	}
	client, err := torchwood.NewClient(fetcher)
	if err != nil {
		return err
	}
	raw, err := fetcher.ReadEndpoint(ctx, "checkpoint")
	if err != nil {
		return err
	}
	checkpoint, _, err := torchwood.VerifyCheckpoint(raw, policy)
	if err != nil {
		return err
	}
	if err := readAll(ctx, client, checkpoint.Tree); err != nil {
		return err
	}
	for i := 0; i+1 < len(proofs); i += 2 {
		if err := checkProof(ctx, client, checkpoint.Tree, policy, proofs[i], proofs[i+1]); err != nil {
			return err
		}
	}
	fmt.Printf("%s: %d entries, %d proofs\n", checkpoint.Origin, checkpoint.N, len(proofs)/2)
	return nil
}

func main() {
	if len(os.Args) < 4 || len(os.Args)%2 != 0 {
		fmt.Fprintln(os.Stderr, "usage: torchwood LOG-URL VKEY COSIGNER-VKEY,... [INDEX PROOF-FILE]...")
		os.Exit(2)
	}
	policy, err := policyOf(os.Args[2], os.Args[3])
	if err == nil {
		err = run(os.Args[1], policy, os.Args[4:])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "torchwood:", err)
		os.Exit(1)
	}
}
