package dag

import (
	"errors"
	"runtime"
	"slices"
	"sync"
	"testing"
)

// slowObserver holds the first Synced after it is armed until it is let go.
type slowObserver struct {
	nobody
	mu      sync.Mutex
	armed   bool
	entered chan struct{}
	release chan struct{}
	order   []ID
}

func (o *slowObserver) Synced(_ ID, es []*Entry, _ Mark) {
	o.mu.Lock()
	hold := o.armed
	o.armed = false
	o.mu.Unlock()
	if hold {
		close(o.entered)
		<-o.release
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, e := range es {
		o.order = append(o.order, e.ID)
	}
}

// TestRule3_1_TheNextGroupSyncsWhileOneIsDelivered, and is delivered after it.
func TestRule3_1_TheNextGroupSyncsWhileOneIsDelivered(t *testing.T) {
	w := newWorld(1)
	o := w.options()
	slow := &slowObserver{entered: make(chan struct{}), release: make(chan struct{})}
	o.Observer = slow
	disk := NewMemDisk()
	j, _ := open(t, disk, o)
	alice := person("alice")
	ctx := must(j.Found(alice, Grant{}))
	slow.armed = true
	var wg sync.WaitGroup
	first := must(j.Write(ctx, alice, Edit{Kind: KindData}))
	wg.Go(func() { must(first.Wait()) })
	<-slow.entered
	syncs := disk.Syncs()
	second := must(j.Write(ctx, alice, Edit{Kind: KindData}))
	wg.Go(func() { must(second.Wait()) })
	for disk.Syncs() == syncs { // the second group syncs while the first is held
		runtime.Gosched()
	}
	for range 1000 {
		runtime.Gosched()
	}
	close(slow.release)
	wg.Wait()
	if want := []ID{ctx, first.Entry().ID, second.Entry().ID}; !slices.Equal(slow.order, want) {
		t.Errorf("told in the order %v, want %v", slow.order, want)
	}
	closeJ(t, j)
}

// slowDisk holds syncs until they are let go, and then fails them.
type slowDisk struct {
	*MemDisk
	hold    chan struct{}
	entered chan struct{}
}

type slowFile struct {
	File
	d *slowDisk
}

func (d *slowDisk) Create(name string, size int64) (File, error) {
	f, err := d.MemDisk.Create(name, size)
	return &slowFile{f, d}, err
}

func (f *slowFile) Fdatasync() error {
	if f.d.hold == nil {
		return f.File.Fdatasync()
	}
	close(f.d.entered)
	<-f.d.hold
	return errBroken
}

// TestRule5_3_ADuplicateIsAnsweredWhenItIsDurable: a page that came twice at once is not acknowledged by its second copy
// while the first is on its way to the disk.
func TestRule5_3_ADuplicateIsAnsweredWhenItIsDurable(t *testing.T) {
	b := newBench(t)
	e := put(t, b.j, b.ctx, b.alice, "one")
	all, _, err := b.j.Serve(b.ctx, nil, MaxPage)
	if err != nil {
		t.Fatal(err)
	}
	d := &slowDisk{MemDisk: NewMemDisk(), entered: make(chan struct{})}
	k, _ := open(t, d, b.w.options())
	k.Join(b.ctx)
	feed(t, k, b.ctx, all)
	d.hold = make(chan struct{})
	fresh := page(b.alice, next(e, nil))
	var wg sync.WaitGroup
	first, second := make(chan error, 1), make(chan error, 1)
	send := func(answer chan error) {
		_, err := k.Ingest(b.ctx, fresh)
		answer <- err
	}
	wg.Go(func() { send(first) })
	<-d.entered
	wg.Go(func() { send(second) })
	waits := func() bool {
		k.mu.Lock()
		defer k.mu.Unlock()
		return k.flying[0].followers > 0
	}
	for len(second) == 0 && !waits() {
		runtime.Gosched()
	}
	close(d.hold)
	wg.Wait()
	if a, b := <-first, <-second; a == nil || b == nil {
		t.Errorf("acknowledged: %v, %v", a, b)
	}
}

// TestRule5_3_APageIsAnsweredWhenItIsDurable, and else with an error.
func TestRule5_3_APageIsAnsweredWhenItIsDurable(t *testing.T) {
	b := newBench(t)
	fresh := page(b.alice, next(put(t, b.j, b.ctx, b.alice, "one"), nil))
	b.disk.FailSync(1, errBroken)
	if got, err := b.j.Ingest(b.ctx, fresh); !errors.Is(err, ErrUnknownOutcome) {
		t.Errorf("acknowledged: %+v, %v", got, err)
	}
}
