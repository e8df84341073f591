package dag

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"
)

// bench is a context with its genesis, founded by alice with bob as a member.
type bench struct {
	t          *testing.T
	w          *world
	disk       *MemDisk
	j          *Journal
	ctx        ID
	genesis    *Entry
	alice, bob Signer
}

func newBench(t *testing.T) *bench {
	b := &bench{t: t, w: newWorld(7), disk: NewMemDisk(), alice: person("alice"), bob: person("bob")}
	b.j, _ = open(t, b.disk, b.w.options())
	b.ctx = must(b.j.Found(b.alice, Grant{Keys: []Key{b.bob.Public()}}))
	b.genesis, _, _ = b.j.Get(b.ctx)
	return b
}

// refuses checks that a page is refused for one reason, and that nothing of it is admitted.
func (b *bench) refuses(want RefuseReason, page []byte) {
	b.t.Helper()
	before := b.j.Stats().Contexts[0].Deltas
	got := feed(b.t, b.j, b.ctx, page)
	if reasons(got)[want] == 0 || len(got.Refused) != 1 || b.j.Stats().Contexts[0].Deltas != before {
		b.t.Errorf("refused %v, admitted %d; want %q", got.Refused, got.Admitted, want)
	}
}

func (b *bench) admits(n int, page []byte) Ingested {
	b.t.Helper()
	got := feed(b.t, b.j, b.ctx, page)
	if got.Admitted != n || len(got.Refused) > 0 {
		b.t.Errorf("admitted %d, refused %v; want %d", got.Admitted, got.Refused, n)
	}
	return got
}

func (b *bench) reopen() Recovery {
	b.t.Helper()
	closeJ(b.t, b.j)
	j, rec := open(b.t, b.disk, b.w.options())
	b.j = j
	return rec
}

func TestRule1_2_FieldsAgreeWithPrev(t *testing.T) {
	b := newBench(t)
	e := put(t, b.j, b.ctx, b.alice, "one")
	for name, edit := range map[string]func(*Delta){
		"another chain":  func(d *Delta) { d.Chain = ID{1} },
		"another author": func(d *Delta) { d.Author = b.bob.Public() },
		"a seq too far":  func(d *Delta) { d.Seq++ },
	} {
		x := next(e, edit)
		s := b.alice
		if x.Delta.Author == b.bob.Public() {
			s = b.bob
		}
		t.Log(name)
		b.refuses(Malformed, page(s, x))
	}
	b.refuses(WrongContext, page(b.alice, next(e, func(d *Delta) { d.Context = ID{9} })))
	b.admits(1, page(b.alice, next(e, nil)))
}

func TestRule1_2_ParentsAreTheFrontier(t *testing.T) {
	b := newBench(t)
	var heads []ID
	for i := range 70 { // seventy branches on the genesis
		s := start(b.genesis, b.bob.Public(), func(d *Delta) {
			d.Nonce, d.Ms, d.N = bytes.Repeat([]byte{byte(i)}, 16), d.Ms+uint64(i)+1, 0
		})
		b.admits(1, page(b.bob, s))
		heads = append(heads, s.ID)
	}
	if got := b.j.Heads(b.ctx); !slices.Equal(got, sorted(heads)) {
		t.Fatalf("%d heads, want the seventy branches", len(got))
	}
	e := put(t, b.j, b.ctx, b.alice, "merge")
	if n := len(e.Delta.Parents); n != MaxParents || slices.Contains(e.Delta.Parents, e.Delta.Prev) ||
		!slices.IsSortedFunc(e.Delta.Parents, ID.Compare) {
		t.Fatalf("%d parents, want 64 sorted ones without prev", n)
	}
	if want := sorted(append(slices.Clone(heads[:6]), e.ID)); !slices.Equal(b.j.Heads(b.ctx), want) {
		t.Errorf("heads after the merge: not the merge and the six with the least clock")
	}
	at := put(t, b.j, b.ctx, b.alice, "on a version", heads[3], heads[1], e.ID, heads[3])
	if want := sorted([]ID{heads[1], heads[3]}); !slices.Equal(at.Delta.Parents, want) || at.Delta.Prev != e.ID {
		t.Errorf("parents %v, want the named version without prev %v", at.Delta.Parents, want)
	}
	if _, err := b.j.Write(b.ctx, b.alice, Edit{Kind: KindData, Parents: []ID{{5}}}); !errors.Is(err, ErrUnknownParent) {
		t.Errorf("an unknown version: %v", err)
	}
	if _, err := b.j.Write(b.ctx, b.bob, Edit{Kind: KindData, Parents: []ID{}}); !errors.Is(err, ErrUnknownParent) {
		t.Errorf("an empty version at the start of a chain: %v", err)
	}
}

func TestRule1_2_PayloadBound(t *testing.T) {
	b := newBench(t)
	put(t, b.j, b.ctx, b.alice, string(make([]byte, MaxPayload)))
	if _, err := b.j.Write(b.ctx, b.alice, Edit{Kind: KindData, Payload: make([]byte, MaxPayload+1)}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("%v, want ErrTooLarge", err)
	}
	k, _ := open(t, NewMemDisk(), b.w.options())
	k.Join(b.ctx)
	pull(t, b.j, k, b.ctx, MaxPage)
	same(t, b.j, k, b.ctx)
}

func TestRule1_4_WitnessThroughPrevAlone(t *testing.T) {
	b := newBench(t)
	e := put(t, b.j, b.ctx, b.alice, "one")
	x := next(e, nil)
	y := next(x, nil)
	b.refuses(NoWitness, EncodePage(b.ctx, [][]*Entry{{x, y}}))
	// A signed delta of another author names y as its parent: that proves nothing about x and y.
	m := start(y, b.bob.Public(), nil)
	m.Sig = must(signID(b.bob, m.ID))
	got := feed(t, b.j, b.ctx, EncodePage(b.ctx, [][]*Entry{{x, y}, {m}}))
	if reasons(got)[NoWitness] != 2 || got.Admitted != 0 {
		t.Errorf("%+v", got)
	}
	b.admits(3, page(b.alice, x, y))
}

func TestRule1_4_BadSignatureSpoilsTheMessageNotTheID(t *testing.T) {
	b := newBench(t)
	x := next(put(t, b.j, b.ctx, b.alice, "one"), nil)
	bad := page(b.alice, x)
	bad[len(bad)-1] ^= 1
	b.refuses(ForgedSignature, bad)
	b.refuses(ForgedSignature, page(b.bob, x))
	b.admits(1, page(b.alice, x))
	if got := feed(t, b.j, b.ctx, page(b.alice, x)); got.Duplicate != 1 {
		t.Errorf("again: %+v", got)
	}
	want := []Refusal{{Reason: ForgedSignature, Count: 2}}
	if got := b.j.Refusals(); len(got) != 1 || got[0].Count != want[0].Count || !got[0].Reason.Fault() {
		t.Errorf("counted %v", got)
	}
}

// What comes before a bad signature in a message is taken in; what follows is not looked at.
func TestRule1_4_BadSignatureSpoilsTheRestOfTheMessage(t *testing.T) {
	b := newBench(t)
	x := next(put(t, b.j, b.ctx, b.alice, "one"), nil)
	y, z := next(x, nil), start(x, b.bob.Public(), nil)
	x.Sig, y.Sig, z.Sig = must(signID(b.alice, x.ID)), must(signID(b.bob, y.ID)), must(signID(b.bob, z.ID))
	got := feed(t, b.j, b.ctx, EncodePage(b.ctx, [][]*Entry{{x, y}, {z}}))
	if got.Admitted != 1 || reasons(got)[ForgedSignature] != 2 || !b.j.Has(x.ID) {
		t.Errorf("%+v", got)
	}
	b.admits(1, page(b.bob, z))
}

func TestRule1_4_NoSmallOrderKeys(t *testing.T) {
	for i, y := range smallY {
		for _, sign := range []byte{0, 0x80} {
			k := Key(y)
			k[31] |= sign
			sig := make([]byte, SigLen) // R = the key, S = 0 verifies for keys of small order in lax rules
			copy(sig, k[:])
			if Verify(k, ID{1}, sig) || !smallOrder(k) {
				t.Errorf("key %d is taken", i)
			}
		}
	}
	if k := person("alice"); smallOrder(k.Public()) {
		t.Error("an honest key is refused")
	}
}

func TestRule1_4_SignatureCoversDomainAndID(t *testing.T) {
	priv := ed25519.NewKeyFromSeed(make([]byte, 32))
	s := NewSigner(priv)
	id := ID{1, 2, 3}
	if Verify(s.Public(), id, ed25519.Sign(priv, id[:])) {
		t.Error("a signature over the bare id is taken")
	}
	if !Verify(s.Public(), id, ed25519.Sign(priv, append([]byte("merograph/delta/1\x00"), id[:]...))) {
		t.Error("a good signature is refused")
	}
}

func TestRule1_6_ForksAreAdmittedAndKept(t *testing.T) {
	b := newBench(t)
	e := put(t, b.j, b.ctx, b.alice, "one")
	for i := range 3 {
		x := next(e, func(d *Delta) { d.Payload = []byte{byte(i)} })
		y := next(x, nil)
		b.admits(2, page(b.alice, x, y))
	}
	st := b.j.Stats().Contexts[0]
	if st.Forks != 1 || st.Heads != 3 || st.Chains != 1 {
		t.Errorf("%+v", st)
	}
	tips := b.j.Tips(b.ctx)
	if len(tips) != 3 || tips[0].Chain != tips[2].Chain || tips[0].Seq != 3 {
		t.Errorf("tips %v", tips)
	}
	k, _ := open(t, NewMemDisk(), b.w.options())
	k.Join(b.ctx)
	pull(t, b.j, k, b.ctx, MaxPage)
	same(t, b.j, k, b.ctx)
	b.reopen()
	same(t, b.j, k, b.ctx)
}

func TestRule1_7_BadEnvelopeRefusedBadPayloadAdmitted(t *testing.T) {
	b := newBench(t)
	carol := person("carol")
	e := put(t, b.j, b.ctx, b.alice, "one")
	g := next(e, func(d *Delta) { d.Kind, d.Payload = KindGrant, []byte("no grant") })
	b.admits(1, page(b.alice, g))
	if b.j.Member(b.ctx, carol.Public()) {
		t.Error("a payload that is no grant grants")
	}
	for _, cut := range [][]byte{{0xff}, page(b.alice, next(g, nil))[:60], []byte("garbage, not a page at all"), nil} {
		got := feed(t, b.j, b.ctx, cut)
		if len(got.Refused) != 1 || !got.Refused[0].Reason.Fault() {
			t.Errorf("%x: %+v", cut, got)
		}
	}
	b.refuses(TooLarge, make([]byte, 100<<20))
	if _, err := b.j.Write(b.ctx, b.alice, Edit{Kind: KindGrant, Payload: []byte("x")}); err == nil {
		t.Error("a malformed grant is written")
	}
}

// TestRule5_2_WhoBringsThePastIsNotToBlame: what waited and turns out false is not counted against the page that it waited for.
func TestRule5_2_WhoBringsThePastIsNotToBlame(t *testing.T) {
	b := newBench(t)
	p := next(b.genesis, nil)
	x := next(p, func(d *Delta) { d.Author, d.Payload = b.bob.Public(), []byte("not bob's chain") })
	if got := feed(t, b.j, b.ctx, page(b.bob, x)); got.Waiting != 1 || len(got.Refused) > 0 {
		t.Fatalf("got %+v", got)
	}
	b.admits(1, page(b.alice, p))
	if st := b.j.Stats(); st.Contexts[0].Waiting != 0 || len(b.j.Refusals()) != 1 || b.j.Refusals()[0].Reason != Malformed {
		t.Errorf("%+v, %v", st, b.j.Refusals())
	}
	b.refuses(Malformed, page(b.bob, x)) // who brings it is
}

func TestRule1_8_Clock(t *testing.T) {
	b := newBench(t)
	e := put(t, b.j, b.ctx, b.alice, "one")
	ms, n := e.Delta.Ms, e.Delta.N
	for _, c := range []struct {
		ms, n uint64
		ok    bool
	}{
		{ms, n, false}, {ms, n + 2, false}, {ms - 1, n + 1, false}, {ms + 1, 1, false}, {ms, n + 1, true}, {ms + 1, 0, true},
		{MaxMs - 1, 0, true},
	} {
		p := page(b.alice, next(e, func(d *Delta) { d.Ms, d.N = c.ms, c.n }))
		if c.ok {
			b.admits(1, p)
		} else {
			b.refuses(BadClock, p)
		}
	}
	// A peer far ahead: the writer takes the least step, its wall time stays its own.
	x := put(t, b.j, b.ctx, b.bob, "after the end of time")
	if x.Delta.Ms != MaxMs-1 || x.Delta.N != 1 || x.Delta.Wall > 1_800_000_000_000 {
		t.Errorf("clock (%d, %d), wall %d", x.Delta.Ms, x.Delta.N, x.Delta.Wall)
	}
	b.w.now = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	if _, err := b.j.Write(b.ctx, b.alice, Edit{Kind: KindData}); !errors.Is(err, ErrClock) {
		t.Errorf("the year 9999: %v", err)
	}
}

func TestRule1_8_WriterFollowsTheWall(t *testing.T) {
	b := newBench(t)
	e := put(t, b.j, b.ctx, b.alice, "one")
	b.w.now = b.w.now.Add(-time.Hour)
	x := put(t, b.j, b.ctx, b.alice, "an hour back")
	if x.Delta.Ms != e.Delta.Ms || x.Delta.N != e.Delta.N+1 {
		t.Errorf("(%d, %d) after (%d, %d)", x.Delta.Ms, x.Delta.N, e.Delta.Ms, e.Delta.N)
	}
	b.w.now = b.w.now.Add(2 * time.Hour)
	if y := put(t, b.j, b.ctx, b.alice, "an hour on"); y.Delta.Ms != uint64(y.Delta.Wall) || y.Delta.N != 0 {
		t.Errorf("(%d, %d) at %d", y.Delta.Ms, y.Delta.N, y.Delta.Wall)
	}
}

func TestRule2_1_CredentialIsInThePastAndGrantsItsAuthor(t *testing.T) {
	b := newBench(t)
	carol, dave := person("carol"), person("dave")
	if _, err := b.j.Write(b.ctx, carol, Edit{Kind: KindData}); !errors.Is(err, ErrNotMember) {
		t.Errorf("a stranger: %v", err)
	}
	side := put(t, b.j, b.ctx, b.bob, "beside the grant", b.ctx)
	p := must(b.j.Write(b.ctx, b.alice, Edit{Kind: KindGrant, Parents: []ID{b.ctx},
		Payload: must(Grant{Keys: []Key{carol.Public()}, Role: RoleMember}.Encode())}))
	grant := must(p.Wait())
	if !b.j.Member(b.ctx, carol.Public()) || b.j.Member(b.ctx, dave.Public()) {
		t.Error("members are wrong")
	}
	under := func(on, cred ID, who Signer, kind uint64) []byte {
		return page(who, start(must2(b.j.Get(on)), who.Public(), func(d *Delta) {
			d.Credential, d.Kind, d.Ms, d.N = cred, kind, 1_800_000_000_000, 0
			if kind == KindGrant {
				d.Payload = must(Grant{Keys: []Key{dave.Public()}}.Encode())
			}
		}))
	}
	b.refuses(UnknownAuthor, under(side.ID, grant.ID, carol, KindData))  // held, and not in the past
	b.refuses(UnknownAuthor, under(grant.ID, b.ctx, carol, KindData))    // another's credential
	b.refuses(UnknownAuthor, under(grant.ID, grant.ID, dave, KindData))  // grants carol
	b.refuses(UnknownAuthor, under(grant.ID, side.ID, carol, KindData))  // no grant
	b.refuses(NotAllowed, under(grant.ID, grant.ID, carol, KindGrant))   // a member does not grant
	b.refuses(UnknownAuthor, under(grant.ID, ID{1, 2}, carol, KindData)) // not held
	b.admits(1, under(grant.ID, grant.ID, carol, KindData))
	b.admits(1, under(grant.ID, grant.ID, carol, 99)) // an unknown kind is stored and relayed
	if _, err := b.j.Write(b.ctx, carol, Edit{Kind: KindData, Parents: []ID{side.ID}}); !errors.Is(err, ErrNotMember) {
		t.Errorf("a version that has not seen the grant: %v", err)
	}
	if _, err := b.j.Write(b.ctx, carol, Edit{Kind: KindGrant, Payload: must(Grant{}.Encode())}); !errors.Is(err, ErrNotAllowed) {
		t.Errorf("a member grants: %v", err)
	}
	if e := put(t, b.j, b.ctx, carol, "granted"); e.Delta.Credential != grant.ID {
		t.Errorf("credential %v, want the grant", e.Delta.Credential)
	}
	b.reopen()
	put(t, b.j, b.ctx, carol, "after a restart")
}

func TestRule2_2_AReaderWritesNothing(t *testing.T) {
	b := newBench(t)
	carol := person("carol")
	p := must(b.j.Write(b.ctx, b.alice, Edit{Kind: KindGrant,
		Payload: must(Grant{Keys: []Key{carol.Public()}, Role: RoleReader}.Encode())}))
	grant := must(p.Wait())
	if _, err := b.j.Write(b.ctx, carol, Edit{Kind: KindData}); !errors.Is(err, ErrNotAllowed) || b.j.Member(b.ctx, carol.Public()) {
		t.Errorf("a reader: %v", err)
	}
	b.refuses(NotAllowed, page(carol, start(grant, carol.Public(), func(d *Delta) { d.Credential = grant.ID })))
}

func must2(e *Entry, ok bool, err error) *Entry {
	if !ok || err != nil {
		panic(fmt.Sprint(ok, err))
	}
	return e
}

func TestUnknownVersionsAreStoredAndRelayed(t *testing.T) {
	b := newBench(t)
	e := put(t, b.j, b.ctx, b.alice, "one")
	x := next(e, func(d *Delta) { d.Version, d.Extra = 2, [][]byte{{0x05}} })
	b.admits(1, page(b.alice, x))
	k, _ := open(t, NewMemDisk(), b.w.options())
	k.Join(b.ctx)
	pull(t, b.j, k, b.ctx, MaxPage)
	same(t, b.j, k, b.ctx)
	if got := must2(k.Get(x.ID)); !got.Delta.NeedsUpgrade() || !bytes.Equal(got.Raw, x.Raw) {
		t.Errorf("%+v", got)
	}
}

func TestRule1_1_AnAuthorIsOneKey(t *testing.T) {
	alice, bob, id := person("alice"), person("bob"), ID{1}
	sig := must(signID(alice, id))
	if !Verify(alice.Public(), id, sig) || Verify(bob.Public(), id, sig) || Verify(alice.Public(), ID{2}, sig) {
		t.Error("a signature proves another key's delta, or not its own")
	}
}
