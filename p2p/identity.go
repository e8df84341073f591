package p2p

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

const (
	identityBlock = "PRIVATE KEY"
	identityMax   = 16 << 10
)

// LoadOrCreateIdentity gives the key in the file at path, and makes it when there is none. The file is PKCS#8 in PEM, as
// openssl writes it, and only its owner may read it: a wider mode is narrowed to 0600. A new file appears whole or not at
// all; its folder must exist. A file that is there and does not parse is an error and is never replaced.
func LoadOrCreateIdentity(path string) (ed25519.PrivateKey, error) {
	key, err := loadIdentity(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	_, key, err = ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make identity: %w", err)
	}
	if err := writeIdentity(path, key); err != nil {
		return nil, fmt.Errorf("make identity %s: %w: give a folder that this user may write", path, err)
	}
	return key, nil
}

// KeepIdentity puts the key of a host that the embedder brings into the file at path, when there is none. A file that holds
// another key is an error: what lies beside it belongs to another node.
func KeepIdentity(path string, key ed25519.PrivateKey) error {
	have, err := loadIdentity(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = writeIdentity(path, key)
	case err == nil && !have.Equal(key):
		err = errors.New("it is another node's: bring the host of that key, or choose another place")
	}
	if err != nil {
		return fmt.Errorf("keep identity %s: %w", path, err)
	}
	return nil
}

func loadIdentity(path string) (ed25519.PrivateKey, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("read identity %s: %w: let this user read it", path, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("read identity %s: %w", path, err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("read identity %s: it is not a file: give the path of a key file", path)
	}
	raw, err := io.ReadAll(io.LimitReader(f, identityMax))
	if err != nil {
		return nil, fmt.Errorf("read identity %s: %w", path, err)
	}
	key, err := parseIdentity(raw)
	if err != nil {
		return nil, fmt.Errorf("read identity %s: %w: restore it from a backup, or remove it for a new identity", path, err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		if err := f.Chmod(0o600); err != nil {
			return nil, fmt.Errorf("read identity %s: others may read it (mode %#o): set its mode to 0600", path, info.Mode().Perm())
		}
	}
	return key, nil
}

func parseIdentity(raw []byte) (ed25519.PrivateKey, error) {
	block, _ := pem.Decode(raw)
	if block == nil || block.Type != identityBlock {
		return nil, fmt.Errorf("it is corrupt: no PEM block %q in its %d bytes", identityBlock, len(raw))
	}
	k, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("it is corrupt: %w", err)
	}
	key, ok := k.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("it holds a %T, and a node's identity is an ed25519 key", k)
	}
	return key, nil
}

// writeIdentity puts the key at path: a synced temporary file, renamed, and the folder synced.
func writeIdentity(path string, key ed25519.PrivateKey) (err error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, filepath.Base(path)+".tmp-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	_, err = f.Write(pem.EncodeToMemory(&pem.Block{Type: identityBlock, Bytes: der}))
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
