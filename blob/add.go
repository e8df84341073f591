package blob

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// bufferSize is what Add reads and writes at a time, in bytes.
const bufferSize = 256 << 10

// temp is a blob in the making: its content and its tree, under names that Open removes.
type temp struct {
	files         files
	contentName   string
	treeName      string
	content, tree file
}

func newTemp(f files) (*temp, error) {
	t := &temp{files: f}
	var err error
	if t.contentName, t.content, err = f.create(); err != nil {
		return nil, err
	}
	if t.treeName, t.tree, err = f.create(); err != nil {
		return nil, errors.Join(err, t.content.Close(), f.remove(t.contentName))
	}
	return t, nil
}

// discard closes and removes what is left of t. What it cannot remove, the next Open will.
func (t *temp) discard() {
	for _, f := range []file{t.content, t.tree} {
		_ = f.Close()
	}
	for _, name := range []string{t.contentName, t.treeName} {
		_ = t.files.remove(name)
	}
}

// Add stores all that r gives, to its end, and returns its id and size in bytes. When it returns without an error the
// blob is on disk; adding what is held already changes nothing. An error of r, or of the disk, leaves no trace.
func (s *Store) Add(r io.Reader) (ID, int64, error) {
	t, err := newTemp(s.files)
	if err != nil {
		return ID{}, 0, fmt.Errorf("blob: add: %w", err)
	}
	id, size, err := t.fill(r)
	if err == nil {
		err = s.publish(t, id, size)
	}
	if err != nil {
		t.discard()
		return ID{}, 0, fmt.Errorf("blob: add: %w", err)
	}
	return id, size, nil
}

func (t *temp) fill(r io.Reader) (ID, int64, error) {
	content := io.NewOffsetWriter(t.content, 0)
	return hashTo(t.tree, io.TeeReader(r, content))
}

// hashTo reads r to its end and writes its tree.
func hashTo(tree io.WriterAt, r io.Reader) (ID, int64, error) {
	w := bufio.NewWriterSize(io.NewOffsetWriter(tree, 0), 16<<10)
	h := &hasher{tree: w}
	if _, err := io.CopyBuffer(h, onlyReader{r}, make([]byte, bufferSize)); err != nil {
		return ID{}, 0, err
	}
	id, size, err := h.sum()
	return id, size, errors.Join(err, w.Flush())
}

// onlyReader hides WriterTo, so that the buffer's size is ours.
type onlyReader struct{ io.Reader }

// publish syncs a whole blob and gives it its name, the tree before the content: the content's name is what makes it held.
// On an error the caller discards t; should the last sync of the directory fail, the next Open may find the blob.
func (s *Store) publish(t *temp, id ID, size int64) error {
	if err := errors.Join(t.content.Sync(), t.tree.Sync()); err != nil {
		return err
	}
	s.naming.Lock()
	defer s.naming.Unlock()
	if _, held := s.Has(id); held {
		t.discard()
		return nil
	}
	err := errors.Join(t.content.Close(), t.tree.Close())
	if err == nil {
		err = s.files.rename(t.treeName, id.String()+treeSuffix)
	}
	if err == nil {
		err = s.files.rename(t.contentName, id.String())
	}
	if err == nil {
		err = s.files.sync()
	}
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sizes[id] = size
	return nil
}

// remakeTree makes the tree of a blob from its content, which must still have the blob's id.
func (s *Store) remakeTree(content file, id ID, size int64) error {
	name, tree, err := s.files.create()
	if err != nil {
		return fmt.Errorf("blob: %v: make its tree again: %w", id, err)
	}
	got, _, err := hashTo(tree, io.NewSectionReader(content, 0, size))
	if err == nil && got != id {
		err = ErrDamaged
	}
	err = errors.Join(err, tree.Sync(), tree.Close())
	if err == nil {
		err = s.files.rename(name, id.String()+treeSuffix)
	}
	if err == nil {
		return nil
	}
	_ = s.files.remove(name)
	if errors.Is(err, ErrDamaged) {
		return s.damaged(id)
	}
	return fmt.Errorf("blob: %v: make its tree again: %w", id, err)
}
