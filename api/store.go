package api

import (
	"encoding/base64"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/merograph/merograph/components/store"
	"github.com/merograph/merograph/dag"
	"github.com/merograph/merograph/node"
)

// MaxList bounds the bytes of keys and values in one answer of store_list.
const MaxList = 16 << 20

// PutParams are the parameters of store_put. What is not UTF-8 is given in base64.
type PutParams struct {
	Key         string  `json:"key,omitempty"`
	KeyBase64   []byte  `json:"keyBase64,omitempty"`
	Value       *string `json:"value,omitempty"`
	ValueBase64 []byte  `json:"valueBase64,omitempty"`
}

// KeyParams are the parameters of store_get, store_contains and store_remove.
type KeyParams struct {
	Key       string `json:"key,omitempty"`
	KeyBase64 []byte `json:"keyBase64,omitempty"`
}

// ListParams are the parameters of store_list: the keys that begin with a prefix and come after a key. A limit of 0 is none.
type ListParams struct {
	Prefix       string `json:"prefix,omitempty"`
	PrefixBase64 []byte `json:"prefixBase64,omitempty"`
	After        string `json:"after,omitempty"`
	AfterBase64  []byte `json:"afterBase64,omitempty"`
	Limit        int    `json:"limit,omitempty"`
}

// Written is the result of store_put and store_remove.
type Written struct {
	Key       string       `json:"key"`
	KeyBase64 []byte       `json:"keyBase64,omitempty"` // when the key is not UTF-8
	Version   dag.ID       `json:"version"`             // of the delta that wrote it
	Status    store.Status `json:"status"`              // created, updated, unchanged, deleted
}

// An Entry is the result of store_get, and a row of store_list. Either Value or ValueBase64 is there.
type Entry struct {
	Key         string  `json:"key"`
	KeyBase64   []byte  `json:"keyBase64,omitempty"`
	Value       *string `json:"value,omitempty"`
	ValueBase64 *string `json:"valueBase64,omitempty"`
	Version     dag.ID  `json:"version"`
	Timestamp   string  `json:"timestamp"`
}

// Bytes is the value as it was put.
func (e Entry) Bytes() ([]byte, error) {
	if e.ValueBase64 != nil {
		return base64.StdEncoding.DecodeString(*e.ValueBase64)
	}
	if e.Value != nil {
		return []byte(*e.Value), nil
	}
	return nil, fmt.Errorf("the node gave %q without a value", e.Key)
}

// An EntryList is the result of store_list. More says that it ends at the limit or at MaxList: ask again after the last key.
type EntryList struct {
	Entries []Entry `json:"entries"`
	More    bool    `json:"more,omitempty"`
}

// A Contained is the result of store_contains.
type Contained struct {
	Key       string `json:"key"`
	KeyBase64 []byte `json:"keyBase64,omitempty"`
	Contains  bool   `json:"contains"`
}

// KeyBytes is the key as it was put.
func (e Entry) KeyBytes() string {
	if e.KeyBase64 != nil {
		return string(e.KeyBase64)
	}
	return e.Key
}

// Put makes the parameters of a write from bytes.
func Put(key string, value []byte) PutParams {
	k := Key(key)
	p := PutParams{Key: k.Key, KeyBase64: k.KeyBase64}
	if utf8.Valid(value) {
		text := string(value)
		p.Value = &text
	} else {
		p.ValueBase64 = value
	}
	return p
}

// Key makes the parameters that name a key.
func Key(key string) KeyParams {
	if utf8.ValidString(key) {
		return KeyParams{Key: key}
	}
	return KeyParams{KeyBase64: []byte(key)}
}

// key puts a key together and checks it.
func (p KeyParams) key() (string, error) {
	if p.Key != "" && p.KeyBase64 != nil {
		return "", &Error{Kind: InvalidParams, Message: "give key or keyBase64, not both", Data: "key"}
	}
	key := p.Key + string(p.KeyBase64)
	if err := store.CheckKey(key); err != nil {
		return "", &Error{Kind: InvalidParams, Message: err.Error(), Data: "key"}
	}
	return key, nil
}

func put(s *node.State, p PutParams) (Written, error) {
	key, err := KeyParams{p.Key, p.KeyBase64}.key()
	if err != nil {
		return Written{}, err
	}
	value := p.ValueBase64
	switch {
	case p.Value != nil && value != nil, p.Value == nil && value == nil:
		return Written{}, &Error{Kind: InvalidParams, Message: "give value, or valueBase64 when it is not UTF-8", Data: "value"}
	case p.Value != nil:
		value = []byte(*p.Value)
	}
	if err := store.CheckValue(key, len(value)); err != nil {
		return Written{}, &Error{Kind: InvalidParams, Message: err.Error(), Data: "value"}
	}
	w, err := s.Put(key, value)
	return written(w), missing(key, err)
}

func remove(s *node.State, p KeyParams) (Written, error) {
	key, err := p.key()
	if err != nil {
		return Written{}, err
	}
	w, err := s.Remove(key)
	return written(w), missing(key, err)
}

func get(s *node.State, p KeyParams) (Entry, error) {
	key, err := p.key()
	if err != nil {
		return Entry{}, err
	}
	kv, err := s.Store()
	if err != nil {
		return Entry{}, err
	}
	e, err := kv.Get(key)
	if err != nil {
		return Entry{}, missing(key, err)
	}
	return shown(e), nil
}

func contains(s *node.State, p KeyParams) (Contained, error) {
	key, err := p.key()
	if err != nil {
		return Contained{}, err
	}
	kv, err := s.Store()
	if err != nil {
		return Contained{}, err
	}
	has, err := kv.Contains(key)
	return Contained{key, Key(key).KeyBase64, has}, err
}

func list(s *node.State, p ListParams) (EntryList, error) {
	kv, err := s.Store()
	if err != nil {
		return EntryList{}, err
	}
	if p.Limit < 0 {
		return EntryList{}, &Error{Kind: InvalidParams, Message: fmt.Sprintf("a limit of %d: it is positive, or 0 for none", p.Limit), Data: "limit"}
	}
	out, size := EntryList{Entries: []Entry{}}, 0
	for e, err := range kv.List(p.Prefix+string(p.PrefixBase64), p.After+string(p.AfterBase64)) {
		if err != nil {
			return EntryList{}, err
		}
		size += len(e.Key) + len(e.Value)
		if n := len(out.Entries); n > 0 && (n == p.Limit || size > MaxList) {
			out.More = true
			break
		}
		out.Entries = append(out.Entries, shown(e))
	}
	return out, nil
}

func missing(key string, err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return &Error{Kind: NotFound, Message: fmt.Sprintf("there is no key %q", key), Data: key}
	}
	return err
}

func written(w store.Written) Written {
	return Written{Key: w.Key, KeyBase64: Key(w.Key).KeyBase64, Version: w.Version, Status: w.Status}
}

func shown(e store.Entry) Entry {
	out := Entry{Key: e.Key, KeyBase64: Key(e.Key).KeyBase64, Version: e.Version, Timestamp: node.Stamp(e.Time)}
	if utf8.Valid(e.Value) {
		text := string(e.Value)
		out.Value = &text
	} else {
		text := base64.StdEncoding.EncodeToString(e.Value)
		out.ValueBase64 = &text
	}
	return out
}
