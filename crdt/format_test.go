package crdt

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// format is what tests ask of a format of payloads.
type format[T any] struct {
	decode  func(b []byte) ([]T, error)
	encode  func(parts []T) ([]byte, error)
	file    string // the golden vectors, in testdata
	vectors []vector[T]
}

// vector is a payload of which the bytes stay.
type vector[T any] struct {
	name  string
	parts []T
}

// badPayload is bytes that a decoder refuses.
type badPayload struct {
	hex  string
	want error
}

// golden compares with vectors that were made once: other versions read them.
func (f format[T]) golden(t *testing.T) {
	t.Helper()
	var got strings.Builder
	for _, v := range f.vectors {
		payload := f.payload(t, v)
		fmt.Fprintf(&got, "%s: %x\n", v.name, payload)
		again, err := f.decode(payload)
		if err != nil {
			t.Fatalf("%s: %v", v.name, err)
		}
		if diff := cmp.Diff(v.parts, again, cmp.AllowUnexported(change{}, wname{}, span{}, wstep{}), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: %s", v.name, diff)
		}
	}
	want, err := os.ReadFile(f.file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Fatalf("the encoding changed: a new format needs a new version number\n%s", diff)
	}
}

func (f format[T]) payload(t testing.TB, v vector[T]) []byte {
	t.Helper()
	b, err := f.encode(v.parts)
	if err != nil {
		t.Fatalf("%s: %v", v.name, err)
	}
	return b
}

// strict says that all of these are refused, each for its reason.
func (f format[T]) strict(t *testing.T, bad map[string]badPayload) {
	t.Helper()
	for name, c := range bad {
		b, err := hex.DecodeString(c.hex)
		if err != nil {
			t.Fatal(name, err)
		}
		if parts, err := f.decode(b); !errors.Is(err, c.want) || parts != nil {
			t.Errorf("%s: %v, %v; want %v", name, parts, err, c.want)
		}
	}
}

// oneForm says that a payload that decodes is the one that encodes the same; it reports whether it decodes.
func (f format[T]) oneForm(t fataler, b []byte) bool {
	t.Helper()
	parts, err := f.decode(b)
	if err != nil {
		if !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrUnknown) {
			t.Fatalf("an error of neither kind: %v", err)
		}
		return false
	}
	if again, err := f.encode(parts); err != nil || !bytes.Equal(again, b) {
		t.Fatalf("%x decodes, and encodes to %x, %v", b, again, err)
	}
	return true
}

// seed gives a fuzzer the vectors.
func (f format[T]) seed(t testing.TB, add func(payload []byte)) {
	t.Helper()
	for _, v := range f.vectors {
		add(f.payload(t, v))
	}
}
