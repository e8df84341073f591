package bench

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/merograph/merograph/components/store"
	"github.com/merograph/merograph/dag"
	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/node"
	"github.com/merograph/merograph/opsets/replicate"
	"github.com/merograph/merograph/p2p"
)

// A keeper is what a node keeps contexts with: a host, one log and one store on the disk, and for each context its state and an
// instance of replication, bound as a node binds it.
type keeper struct {
	host     *p2p.Host
	key      ed25519.PrivateKey
	journal  *dag.Journal
	store    *store.Store
	contexts []dag.ID
	runs     []*p2p.Running
}

func newKeeper(ctx context.Context, dir string) (k *keeper, err error) {
	k = &keeper{}
	defer func() {
		if err != nil {
			err = errors.Join(err, k.Close())
		}
	}()
	if _, k.key, err = ed25519.GenerateKey(rand.Reader); err != nil {
		return k, err
	}
	if k.store, _, err = store.Open(filepath.Join(dir, "store")); err != nil {
		return k, err
	}
	if k.journal, _, err = dag.Open(dag.OSDisk(filepath.Join(dir, "log")), dag.Options{Index: k.store, Observer: k.store, Wall: time.Now, Rand: rand.Reader}); err != nil {
		return k, err
	}
	k.store.Opened(nil, func(c dag.ID) []store.View {
		k.store.KV(k.journal, dag.NewSigner(k.key), c)
		return nil
	})
	k.host, err = p2p.New(ctx, p2p.Config{Key: k.key, Listen: []string{"/ip4/127.0.0.1/tcp/0"}, Network: "bench"})
	return k, err
}

// found makes n contexts of a few deltas, of which the other holds all, too. Nobody is connected yet.
func (k *keeper) found(n int, other *keeper) error {
	signer, to := dag.NewSigner(k.key), dag.NewSigner(other.key)
	for range n {
		c, err := k.journal.Found(signer, dag.Grant{Keys: []dag.Key{to.Public()}, Role: dag.RoleMember})
		if err != nil {
			return err
		}
		kv := k.store.KV(k.journal, signer, c)
		if _, err := kv.Put("key", make([]byte, 64)); err != nil {
			return err
		}
		if err := other.journal.Join(c); err != nil {
			return err
		}
		if err := other.copy(c, k); err != nil {
			return err
		}
		if _, err := other.store.KV(other.journal, to, c).Put("other", make([]byte, 64)); err != nil {
			return err
		}
		if err := k.copy(c, other); err != nil {
			return err
		}
		k.contexts, other.contexts = append(k.contexts, c), append(other.contexts, c)
	}
	return nil
}

// copy takes in what another holds of a context.
func (k *keeper) copy(c dag.ID, from *keeper) error {
	page, _, err := from.journal.Serve(c, k.journal.Have(c), replicate.MaxPage)
	if err == nil {
		_, err = k.journal.Ingest(c, page)
	}
	return err
}

// run starts the replication of all contexts.
func (k *keeper) run() error {
	prog, err := graph.Compile(replicate.Protocol(), "peer")
	if err != nil {
		return err
	}
	authors := []dag.Key{dag.NewSigner(k.key).Public()}
	for _, c := range k.contexts {
		r, err := k.host.Run(prog, node.Replica(k.journal, c, k.host, authors, node.Default().Sync)...)
		if err != nil {
			return err
		}
		k.runs = append(k.runs, r)
	}
	return nil
}

// agree waits until every instance has found out that the other holds the same.
func (k *keeper) agree(ctx context.Context, with *keeper) error {
	for i, r := range k.runs {
		feed := graph.FeedOf[graph.Peer, replicate.Agreement](r.Instance(), "agreed")
		changed := make(chan struct{}, 1)
		unwatch := feed.Watch(func() {
			select {
			case changed <- struct{}{}:
			default:
			}
		})
		for {
			if _, ok := feed.Get().Get(with.host.ID()); ok {
				break
			}
			select {
			case <-changed:
			case <-ctx.Done():
				unwatch()
				return fmt.Errorf("context %d of %d: no agreement: %w", i, len(k.runs), ctx.Err())
			}
		}
		unwatch()
	}
	return nil
}

// Close stops all.
func (k *keeper) Close() (err error) {
	if k.host != nil {
		err = k.host.Close()
	}
	if k.journal != nil {
		err = errors.Join(err, k.journal.Close())
	}
	if k.store != nil {
		err = errors.Join(err, k.store.Close())
	}
	return err
}
