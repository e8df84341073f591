package p2p

import (
	"crypto/ed25519"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/merograph/merograph/graph"
)

func TestKeysAndPeers(t *testing.T) {
	key, _, _ := ed25519.GenerateKey(nil)
	p, err := PeerOf(key)
	if err != nil || !strings.HasPrefix(string(p), "12D3KooW") {
		t.Fatalf("got %q, %v", p, err)
	}
	back, err := KeyOf(p)
	if err != nil || !key.Equal(back) {
		t.Fatalf("got %x, %v", back, err)
	}
	for _, bad := range []graph.Peer{"", "server", p + "x", p[1:], "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N"} {
		if k, err := KeyOf(bad); err == nil {
			t.Errorf("%q has the key %x", bad, k)
		}
	}
	if _, err := PeerOf(key[:5]); err == nil {
		t.Error("5 bytes are a peer")
	}
}

func TestConnectedFeed(t *testing.T) {
	a, b := testHost(t), testHost(t)
	changed := make(chan struct{}, 1)
	defer a.Connected().Watch(func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	})()
	if err := a.Connect(t.Context(), b.Addrs()[0]); err != nil {
		t.Fatal(err)
	}
	await := func(want ...graph.Peer) { // the feed may change more than once on the way
		t.Helper()
		for !slices.Equal(a.Connected().Get(), want) {
			select {
			case <-changed:
			case <-t.Context().Done():
				t.Fatalf("got %v, want %v", a.Connected().Get(), want)
			}
		}
	}
	await(b.ID())
	infos := a.Peers()
	if len(infos) != 1 || infos[0].Peer != b.ID() || infos[0].State != StateConnected || len(infos[0].Addresses) == 0 || time.Since(infos[0].LastSeen) > time.Minute {
		t.Fatalf("got %+v", infos)
	}
	b.Close()
	await()
	if infos = a.Peers(); len(infos) != 1 || infos[0].State != StateKnown || infos[0].LastSeen.IsZero() {
		t.Fatalf("got %+v", infos)
	}
}

func TestConnectErrors(t *testing.T) {
	a := testHost(t)
	for _, addr := range []string{"", "10.0.0.1:2428", "/ip4/127.0.0.1/tcp/1", "/ip4/127.0.0.1/tcp/1/p2p/nobody", a.Addrs()[0],
		"/ip4/127.0.0.1/tcp/1/p2p/" + string(peerOfNobody(t))} {
		if err := a.Connect(t.Context(), addr); err == nil || !strings.Contains(err.Error(), addr) {
			t.Errorf("%q: got %v", addr, err)
		}
	}
}

func TestLearn(t *testing.T) {
	a, other := testHost(t), peerOfNobody(t)
	good := "/ip4/10.0.0.1/tcp/2428"
	err := a.Learn(other, []string{good, "nonsense", good + "/p2p/" + string(peerOfNobody(t)), "/p2p/" + string(other), "/ip4/10.0.0.2/tcp/1/p2p/" + string(other)}, time.Hour)
	if err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("got %v", err)
	}
	infos := a.Peers()
	if len(infos) != 1 || infos[0].Peer != other || len(infos[0].Addresses) != 2 || infos[0].Addresses[0] != good || infos[0].State != StateKnown {
		t.Errorf("got %+v", infos)
	}
	if err := a.Learn("nobody", []string{good}, time.Hour); err == nil {
		t.Error("learned an address of nobody")
	}
	if err := a.Learn(other, make([]string, 1000), time.Hour); err == nil {
		t.Error("learned 1000 addresses")
	}
}

func TestPortTaken(t *testing.T) {
	for _, addr := range []string{"/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/udp/0/quic-v1"} {
		a := testHost(t, listens(addr))
		taken := strings.TrimSuffix(a.Addrs()[0], "/p2p/"+string(a.ID()))
		_, key, _ := ed25519.GenerateKey(nil)
		b, err := New(t.Context(), Config{Key: key, Listen: []string{taken}})
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		errs := b.ListenErrors()
		var le *ListenError
		if len(errs) != 1 || !errors.Is(errs[0], ErrAddrInUse) || !errors.As(errs[0], &le) || le.Addr != taken {
			t.Fatalf("%s: got %v", taken, errs)
		}
		if got := b.Addrs(); len(got) != 0 {
			t.Errorf("it listens at %v", got)
		}
		server(t, a, newEars()) // the host that does not listen still calls
		c := client(t, b)
		learn(t, b, a)
		if _, err := Ask[parcel, string](t.Context(), c, "echo", parcel{a.ID(), "x"}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestBadConfig(t *testing.T) {
	_, err := New(t.Context(), Config{Listen: []string{"127.0.0.1:2428", "/ip4/127.0.0.1/tcp/0"}})
	if err == nil || !strings.Contains(err.Error(), "key") || !strings.Contains(err.Error(), "127.0.0.1:2428") {
		t.Fatalf("got %v", err)
	}
}

func TestClosedHost(t *testing.T) {
	h := testHost(t)
	h.Close()
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Run(compile(t, talk(), "client")); !errors.Is(err, ErrClosed) {
		t.Fatalf("got %v", err)
	}
}
