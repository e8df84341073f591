package bench

import (
	"bytes"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/merograph/merograph/dag"
	"go.etcd.io/bbolt"
)

var dirFlag = flag.String("dir", os.Getenv("BENCH_DIR"), "a folder on the disk to measure; BENCH_DIR, then the folder of temporary files")

// folder gives a new folder on a disk, or skips.
func folder(tb testing.TB) string {
	dir := tb.TempDir()
	if *dirFlag != "" {
		var err error
		if dir, err = os.MkdirTemp(*dirFlag, "bench"); err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(func() { os.RemoveAll(dir) })
	}
	if why := inMemory(dir); why != "" {
		tb.Skip(why)
	}
	return dir
}

// contenders are what durable writes are made with.
type contenders struct {
	values              *values
	signed, plain, kept *log // a journal; one that does not sign; one with a store over it
	pebble              *pebble.DB
	bolt                *bbolt.DB
	tapes               map[string]*tape
	record              []byte // as long as what the journal appends for one write alone
}

func openContenders(tb testing.TB) *contenders {
	dir := folder(tb)
	ok := func(err error) {
		if err != nil {
			tb.Helper()
			tb.Fatal(err)
		}
	}
	c := &contenders{values: newValues(), tapes: map[string]*tape{}}
	var err error
	c.signed, err = openLog(filepath.Join(dir, "signed"), signerOf(1), false)
	ok(err)
	c.plain, err = openLog(filepath.Join(dir, "plain"), unsigned{signerOf(1)}, false)
	ok(err)
	c.kept, err = openLog(filepath.Join(dir, "kept"), signerOf(1), true)
	ok(err)
	c.pebble, err = openPebble(filepath.Join(dir, "pebble"))
	ok(err)
	c.bolt, err = openBolt(filepath.Join(dir, "bbolt"))
	ok(err)
	for _, how := range []string{"append", "allocated", "overwrite"} {
		c.tapes[how], err = newTape(filepath.Join(dir, how), how)
		ok(err)
	}
	ok(c.put(c.signed)) // the first of a chain is longer
	was := c.signed.journal.Stats().Bytes
	ok(c.put(c.signed))
	c.record = make([]byte, c.signed.journal.Stats().Bytes-was)
	rand.Read(c.record)
	tb.Cleanup(func() {
		for _, l := range []*log{c.signed, c.plain, c.kept} {
			if err := l.close(); err != nil {
				tb.Error(err)
			}
		}
		if err := errors.Join(c.pebble.Close(), c.bolt.Close()); err != nil {
			tb.Error(err)
		}
		for _, t := range c.tapes { //lint:unordered each is closed
			t.f.Close()
		}
	})
	return c
}

func (c *contenders) put(l *log) error {
	_, value := c.values.one()
	_, err := l.write(value)
	return err
}

func (c *contenders) putKV() error {
	n, value := c.values.one()
	_, err := c.kept.kv.Put(fmt.Sprintf("key%05d", n%keys), value)
	return err
}

func (c *contenders) putPebble() error {
	n, value := c.values.one()
	return c.pebble.Set(fmt.Appendf(nil, "key%05d", n%keys), value, pebble.Sync)
}

// putBolt writes with Batch, which joins those who write at once; a writer alone would wait for others, so it has Update.
func (c *contenders) putBolt(writers int) func() error {
	do := c.bolt.Batch
	if writers == 1 {
		do = c.bolt.Update
	}
	return func() error {
		n, value := c.values.one()
		return do(func(tx *bbolt.Tx) error { return tx.Bucket(bolt).Put(fmt.Appendf(nil, "key%05d", n%keys), value) })
	}
}

// BenchmarkDurable: an op is a write of 1 KiB by one of so many writers on one context, signed, that has returned.
func BenchmarkDurable(b *testing.B) {
	for _, w := range []struct{ writers, writes int }{{1, 64}, {16, 1024}, {64, 2048}, {256, 4096}} {
		b.Run(fmt.Sprintf("writers=%d", w.writers), func(b *testing.B) {
			raceDurable(b, openContenders(b), w.writers, w.writes)
		})
	}
}

func raceDurable(b *testing.B, c *contenders, writers, n int) {
	var writes, syncs int64
	of := func(name string, write func() error) *lane {
		return &lane{name: name, units: n, run: func() {
			if err := spread(writers, n, write); err != nil {
				b.Fatal(err)
			}
		}}
	}
	alone := func(how string) *lane {
		const m = 64
		return &lane{name: how, units: m, run: func() {
			for range m {
				if err := c.tapes[how].write(c.record); err != nil {
					b.Fatal(err)
				}
			}
		}}
	}
	journal := of("journal", func() error { return c.put(c.signed) })
	inner := journal.run
	journal.run = func() {
		was := c.signed.syncs.Load()
		inner()
		writes, syncs = writes+int64(n), syncs+c.signed.syncs.Load()-was
	}
	kv := of("kv", c.putKV)
	peer := of("pebble", c.putPebble)
	other := of("bbolt", c.putBolt(writers))
	bare := alone("append")
	signer, msg := signerOf(1), dag.SignedMessage(dag.ID{1})
	const signs = 64
	sign := &lane{name: "sign", units: signs, run: func() {
		for range signs {
			if _, err := signer.Sign(msg); err != nil {
				b.Fatal(err)
			}
		}
	}}
	r := race{lanes: []*lane{journal, kv, peer, other, bare, sign}}
	var plain *lane
	if writers == 1 {
		plain = of("unsigned", func() error { return c.put(c.plain) })
		r.lanes = append(r.lanes, plain, alone("allocated"), alone("overwrite"))
	}
	r.run(b)
	b.ReportMetric(median(journal.ns), "ns/op")
	b.ReportMetric(slices.Min(journal.ns), "best-ns/op")
	for _, l := range r.lanes[1:] {
		b.ReportMetric(median(l.ns), l.name+"-ns")
		b.ReportMetric(slices.Min(l.ns), "best-"+l.name+"-ns")
	}
	compare := func(name string, a, other *lane) {
		b.ReportMetric(ratio(a.ns, other.ns), name)
		b.ReportMetric(best(a.ns, other.ns), "best-"+name)
	}
	if plain != nil {
		compare("x-append", journal, bare)
		compare("unsigned-x-append", plain, bare)
		compare("kv-x-append", kv, bare)
	}
	compare("of-pebble", peer, journal)
	compare("kv-of-pebble", peer, kv)
	compare("of-bbolt", other, journal)
	b.ReportMetric(float64(writes)/float64(syncs), "writes/sync")
	memory(b, n, inner, nil)
}

func TestDurableIsThere(t *testing.T) {
	dir := folder(t)
	l, err := openLog(dir, signerOf(1), true)
	if err != nil {
		t.Fatal(err)
	}
	v := newValues()
	before := l.syncs.Load()
	_, value := v.one()
	e, err := l.write(value)
	if err != nil {
		t.Fatal(err)
	}
	if l.syncs.Load() == before || !dag.Verify(e.Delta.Author, e.ID, e.Sig) {
		t.Errorf("a write was answered after %d syncs, with the signature %x", l.syncs.Load()-before, e.Sig)
	}
	if err := spread(8, 40, func() error {
		n, value := v.one()
		_, err := l.kv.Put(fmt.Sprint(n), value)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := l.close(); err != nil {
		t.Fatal(err)
	}
	if l, err = openLog(dir, signerOf(1), true); err != nil {
		t.Fatal(err)
	}
	defer l.close()
	if got, ok, err := l.journal.Get(e.ID); err != nil || !ok || !bytes.Equal(got.Delta.Payload, value) {
		t.Errorf("the delta is not there: %v, %v", ok, err)
	}
	if n, err := l.kv.Len(); err != nil || n != 40 {
		t.Errorf("%d keys, not 40, %v", n, err)
	}
}

func TestContenders(t *testing.T) {
	c := openContenders(t)
	if len(c.record) < valueLen+200 || len(c.record) > valueLen+500 {
		t.Errorf("a write alone appends %d bytes", len(c.record))
	}
	n, value := c.values.one()
	key := fmt.Appendf(nil, "key%05d", n%keys)
	if err := c.pebble.Set(key, value, pebble.Sync); err != nil {
		t.Fatal(err)
	}
	got, closer, err := c.pebble.Get(key)
	if err != nil || !bytes.Equal(got, value) {
		t.Fatalf("pebble gave %d bytes, %v", len(got), err)
	}
	closer.Close()
	for how, tape := range c.tapes { //lint:unordered each is tested alone
		if err := tape.write(c.record); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(c.record))
		if _, err := tape.f.ReadAt(got, 0); err != nil || !bytes.Equal(got, c.record) {
			t.Errorf("%s: what was written is not there: %v", how, err)
		}
	}
}
