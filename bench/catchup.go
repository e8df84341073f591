package bench

import (
	"bufio"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/merograph/merograph/crdt"
	"github.com/merograph/merograph/dag"
)

// A source is a journal that others lag behind.
type source struct {
	journal *dag.Journal
	ctx     dag.ID
	entries []*dag.Entry // in the log's order
	size    int          // of their canonical encodings
	close   func() error
}

func journalIn(dir string) (*dag.Journal, error) {
	j, _, err := dag.Open(dag.OSDisk(dir), dag.Options{Wall: time.Now, Rand: rand.Reader})
	return j, err
}

// count reads what the journal has.
func (s *source) count() (*source, error) {
	if err := s.journal.Flush(); err != nil {
		return nil, err
	}
	return s, s.journal.Each(s.ctx, func(e *dag.Entry) error {
		s.entries = append(s.entries, e)
		s.size += len(e.Raw)
		return nil
	})
}

// typed is the recorded session as testnet replay writes it: a delta for each transaction, with the payload of a text.
func typed(dir string) (*source, error) {
	trace, err := record(tracePath())
	if err != nil {
		return nil, err
	}
	j, err := journalIn(dir)
	if err != nil {
		return nil, err
	}
	s := &source{journal: j, close: j.Close}
	var grant dag.Grant
	docs := make([]*crdt.Text, trace.NumAgents)
	for i := range docs {
		docs[i] = crdt.NewText()
		grant.Keys = append(grant.Keys, signerOf(i+1).Public())
	}
	if s.ctx, err = j.Found(signerOf(0), grant); err != nil {
		return nil, err
	}
	made := make([]*dag.Entry, len(trace.Txns))
	seen := make([]map[int]bool, trace.NumAgents)
	for i, t := range trace.Txns {
		if seen[t.Agent] == nil {
			seen[t.Agent] = map[int]bool{}
		}
		version := []dag.ID{s.ctx}
		for k, p := range t.Parents {
			if err := bring(docs[t.Agent], trace, made, seen[t.Agent], p); err != nil {
				return nil, err
			}
			version = append(version[:k], made[p].ID)
		}
		payload, err := edit(docs[t.Agent], t.Patches)
		if err != nil {
			return nil, err
		}
		p, err := j.Write(s.ctx, signerOf(t.Agent+1), dag.Edit{Kind: dag.KindData, Payload: payload, Parents: version})
		if err != nil {
			return nil, err
		}
		made[i] = p.Entry()
		if err := bring(docs[t.Agent], trace, made, seen[t.Agent], i); err != nil {
			return nil, err
		}
	}
	return s.count()
}

// bring applies a transaction and its past to a text.
func bring(doc *crdt.Text, trace *recording, made []*dag.Entry, seen map[int]bool, i int) error {
	for todo := []int{i}; len(todo) > 0; {
		i := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if seen[i] {
			continue
		}
		seen[i] = true
		d := made[i].Delta
		if err := doc.Apply(crdt.Delta{ID: made[i].ID, Ms: d.Ms, N: d.N, Author: d.Author}, d.Payload); err != nil {
			return err
		}
		todo = append(todo, trace.Txns[i].Parents...)
	}
	return nil
}

func edit(doc *crdt.Text, patches json.RawMessage) ([]byte, error) {
	var raw [][3]any
	if err := json.Unmarshal(patches, &raw); err != nil {
		return nil, err
	}
	var list []crdt.Patch
	for _, p := range raw {
		list = append(list, crdt.Patch{Pos: int(p[0].(float64)), Deleted: int(p[1].(float64)), Insert: p[2].(string)})
	}
	ops, err := doc.Edit(list...)
	if err != nil {
		return nil, err
	}
	return crdt.EncodeOps(ops)
}

// keyed is one author alone, with payloads as long as a keystroke's that counts back.
func keyed(dir string, deltas int) (*source, error) {
	j, err := journalIn(dir)
	if err != nil {
		return nil, err
	}
	s := &source{journal: j, close: j.Close}
	if s.ctx, err = j.Found(signerOf(1), dag.Grant{}); err != nil {
		return nil, err
	}
	signer := signerOf(1)
	for i := range deltas {
		if _, err := j.Write(s.ctx, signer, dag.Edit{Kind: dag.KindData, Payload: payload(i)}); err != nil {
			return nil, err
		}
	}
	return s.count()
}

// stored is 1 KiB put under each of many keys of the store, twice.
func stored(dir string) (*source, error) {
	l, err := openLog(dir, signerOf(1), true)
	if err != nil {
		return nil, err
	}
	s := &source{journal: l.journal, ctx: l.ctx, close: l.close}
	err = inTurn(2*keys, 64, func() error {
		value := make([]byte, valueLen)
		rand.Read(value)
		_, err := l.kv.Put(fmt.Sprint("user/", binary.BigEndian.Uint16(value)%keys), value)
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.count()
}

// serve answers on a stream: tips of 72 bytes come in a frame, a page and whether there is more go out.
func (s *source) serve(st network.Stream) {
	r := bufio.NewReader(st)
	for {
		b, err := readFrame(r)
		var have []dag.Tip
		for ; err == nil && len(b) >= 72; b = b[72:] {
			have = append(have, dag.Tip{Chain: dag.ID(b), ID: dag.ID(b[32:]), Seq: binary.BigEndian.Uint64(b[64:])})
		}
		var page []byte
		var more bool
		if err == nil {
			page, more, err = s.journal.Serve(s.ctx, have, dag.MaxPage)
		}
		if err == nil {
			err = writeFrame(st, append([]byte{0}, page...), more)
		}
		if err != nil {
			st.Reset()
			return
		}
	}
}

func writeFrame(w io.Writer, b []byte, more bool) error {
	if more {
		b[0] = 1
	}
	_, err := w.Write(append(binary.AppendUvarint(nil, uint64(len(b))), b...))
	return err
}

func readFrame(r *bufio.Reader) ([]byte, error) {
	n, err := binary.ReadUvarint(r)
	if err != nil || n > 2<<20 {
		return nil, errors.Join(err, errors.New("no frame"))
	}
	b := make([]byte, n)
	_, err = io.ReadFull(r, b)
	return b, err
}

// A follower is a journal that has nothing, and a stream to a source.
type follower struct {
	journal *dag.Journal
	ctx     dag.ID
	pages   [][]byte
}

// catchUp brings all that the source has, page after page: each is verified, stored and synced before the next is asked for.
func (f *follower) catchUp(st network.Stream) error {
	r := bufio.NewReader(st)
	for {
		var ask []byte
		for _, t := range f.journal.Have(f.ctx) {
			ask = append(append(ask, t.Chain[:]...), t.ID[:]...)
			ask = binary.BigEndian.AppendUint64(ask, t.Seq)
		}
		if err := writeFrame(st, append(ask, 0)[:len(ask)], false); err != nil {
			return err
		}
		b, err := readFrame(r)
		if err != nil {
			return err
		}
		f.pages = append(f.pages, b[1:])
		got, err := f.journal.Ingest(f.ctx, b[1:])
		if err != nil || len(got.Refused) > 0 {
			return fmt.Errorf("a page was refused: %v: %w", got.Refused, err)
		}
		if b[0] == 0 {
			return nil
		}
	}
}

// bare sends the same pages over a stream like that, asked for one by one, and has them dropped.
func bare(st network.Stream, pages [][]byte) error {
	r := bufio.NewReader(st)
	for i := range pages {
		if err := writeFrame(st, []byte{byte(i)}, false); err != nil {
			return err
		}
		if _, err := readFrame(r); err != nil {
			return err
		}
	}
	return nil
}

func serveBarePages(pages *[][]byte) network.StreamHandler {
	return func(st network.Stream) {
		r := bufio.NewReader(st)
		for {
			b, err := readFrame(r)
			if err == nil {
				err = writeFrame(st, append([]byte{0}, (*pages)[b[0]]...), false)
			}
			if err != nil {
				st.Reset()
				return
			}
		}
	}
}

// least is what cannot be left out: the hash of each delta, the check of each signature that came, the bytes on the disk.
func least(dir string, entries []*dag.Entry) error {
	f, err := os.Create(filepath.Join(dir, "least"))
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	for _, e := range entries {
		if id := dag.HashID(e.Raw); e.Sig != nil && !dag.Verify(e.Delta.Author, id, e.Sig) {
			return errors.New("a signature is not good")
		}
		if _, err := w.Write(e.Raw); err != nil {
			return err
		}
	}
	return errors.Join(w.Flush(), datasync(f))
}
