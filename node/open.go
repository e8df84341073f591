package node

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/merograph/merograph/blob"
	"github.com/merograph/merograph/components/blobs"
	"github.com/merograph/merograph/components/store"
	"github.com/merograph/merograph/dag"
	"github.com/merograph/merograph/p2p"
)

var randReader = rand.Reader

func (n *Node) openIdentity(h home) error {
	var key ed25519.PrivateKey
	var err error
	switch {
	case n.set.host != nil:
		key, err = n.identityOf(h)
	case n.cfg.Memory:
		_, key, err = ed25519.GenerateKey(rand.Reader)
	default:
		key, err = p2p.LoadOrCreateIdentity(h.identity())
	}
	if err != nil {
		return err
	}
	id, err := p2p.PeerOf(key.Public().(ed25519.PublicKey))
	if err != nil {
		return err
	}
	n.state.publish(func() { n.state.key, n.state.signer, n.state.id = key, dag.NewSigner(key), id })
	return nil
}

func (n *Node) disk(h home) dag.Disk {
	if n.cfg.Memory {
		return dag.NewMemDisk()
	}
	return dag.OSDisk(h.log())
}

// lock takes the home for this process.
func (n *Node) lock(h home) error {
	l, err := dag.OSDisk(string(h)).Lock()
	if errors.Is(err, dag.ErrInUse) {
		return fmt.Errorf("the home %s is in use by another node: stop that one, or choose another home with --home", h)
	}
	if err != nil {
		return fmt.Errorf("lock the home %s: %w", h, err)
	}
	n.onStop(func(context.Context) error { return l.Close() })
	return nil
}

func (n *Node) openStore(h home) (err error) {
	s := n.state
	var lost error
	if n.cfg.Memory {
		s.store, err = store.OpenMemory()
	} else {
		s.store, lost, err = store.Open(h.store())
	}
	if err != nil {
		return err
	}
	if lost != nil {
		s.Problem("store", fmt.Sprintf("the store could not be read and was built again from the log: %v", lost))
	}
	n.onStop(func(context.Context) error { return s.store.Close() })
	return nil
}

func (n *Node) openBlobs(h home) error {
	kept := blob.NewMem()
	if !n.cfg.Memory {
		var err error
		if kept, err = blob.Open(h.blobs()); err != nil {
			return fmt.Errorf("open the blobs of %s: %w", h, err)
		}
	}
	n.state.publish(func() { n.state.blobs = blobs.New(kept) })
	return nil
}
