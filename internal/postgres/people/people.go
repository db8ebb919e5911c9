// Package people remembers what Honk knows of people outside the forge: who
// they are there, what they were asked, what they have set, what they think of
// what they got.
package people

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"honk/internal/postgres"
	"honk/internal/task"
)

// Store has the queries. A method is a transaction of its own.
type Store struct{ db *postgres.DB }

// New returns a Store on a migrated database.
func New(db *postgres.DB) Store { return Store{db} }

// Identity is the account at the forge that somebody has proved to have.
type Identity struct {
	Source        task.Source
	Team, Account string
	Login         string
	// ForgeID is the forge's number of the account.
	ForgeID int64
}

// Identity returns who somebody is at the forge; postgres.ErrNotFound when
// they have not proved it.
func (s Store) Identity(ctx context.Context, source task.Source, team, account string) (Identity, error) {
	return postgres.One(ctx, s.db.Store, findIdentity, pgx.StrictNamedArgs{
		"source": string(source), "team": team, "account": account,
	}, func(row pgx.CollectableRow) (Identity, error) {
		id := Identity{Source: source, Team: team, Account: account}
		return id, row.Scan(&id.Login, &id.ForgeID)
	})
}

const findIdentity = `SELECT login, forge_id FROM identities
	WHERE source = @source AND team = @team AND account = @account`

// Unlink forgets who somebody is.
func (s Store) Unlink(ctx context.Context, source task.Source, team, account string) error {
	return s.db.Exec(ctx, dropIdentity, pgx.StrictNamedArgs{"source": string(source), "team": team, "account": account})
}

const dropIdentity = `DELETE FROM identities WHERE source = @source AND team = @team AND account = @account`

// Link invites somebody to prove who they are at the forge.
type Link struct {
	// Nonce is unique and cannot be guessed.
	Nonce         string
	Source        task.Source
	Team, Account string
	// Name is what people call the account and its team.
	Name      string
	ExpiresAt time.Time
}

// AddLink stores an invitation. Others of the same account are no longer good.
func (s Store) AddLink(ctx context.Context, l Link) error {
	args := pgx.StrictNamedArgs{"source": string(l.Source), "team": l.Team, "account": l.Account}
	return s.db.InTx(ctx, func(tx *postgres.Tx) error {
		if err := tx.Exec(ctx, dropLinks, args); err != nil {
			return err
		}
		args["nonce"], args["name"], args["expires_at"] = l.Nonce, l.Name, l.ExpiresAt
		return tx.Exec(ctx, addLink, args)
	})
}

const dropLinks = `DELETE FROM links WHERE source = @source AND team = @team AND account = @account`

const addLink = `INSERT INTO links (nonce, source, team, account, name, expires_at)
	VALUES (@nonce, @source, @team, @account, @name, @expires_at)`

// Link returns an invitation; postgres.ErrNotFound when there is none that is
// still good.
func (s Store) Link(ctx context.Context, nonce string) (Link, error) {
	return postgres.One(ctx, s.db.Store, findLink, pgx.StrictNamedArgs{"nonce": nonce},
		func(row pgx.CollectableRow) (l Link, err error) {
			var source string
			err = row.Scan(&l.Nonce, &source, &l.Team, &l.Account, &l.Name, &l.ExpiresAt)
			l.Source = task.Source(source)
			return l, err
		})
}

const findLink = `SELECT nonce, source, team, account, name, expires_at FROM links
	WHERE nonce = @nonce AND used_at IS NULL AND expires_at > now()`

// UseLink uses an invitation up and stores what it led to.
// postgres.ErrNotFound when it is no longer good, or another's.
func (s Store) UseLink(ctx context.Context, nonce string, id Identity) error {
	args := pgx.StrictNamedArgs{
		"nonce": nonce, "source": string(id.Source), "team": id.Team, "account": id.Account,
	}
	return s.db.InTx(ctx, func(tx *postgres.Tx) error {
		n, err := tx.Affect(ctx, useLink, args)
		if err == nil && n == 0 {
			err = postgres.ErrNotFound
		}
		if err != nil {
			return err
		}
		delete(args, "nonce")
		args["login"], args["forge_id"] = id.Login, id.ForgeID
		return tx.Exec(ctx, putIdentity, args)
	})
}

const useLink = `UPDATE links SET used_at = now() WHERE nonce = @nonce AND used_at IS NULL AND expires_at > now()
	AND source = @source AND team = @team AND account = @account`

const putIdentity = `INSERT INTO identities (source, team, account, login, forge_id)
	VALUES (@source, @team, @account, @login, @forge_id)
	ON CONFLICT (source, team, account) DO UPDATE
	SET login = excluded.login, forge_id = excluded.forge_id, linked_at = now()`

// Channel returns the repository that people have set for a channel.
func (s Store) Channel(ctx context.Context, source task.Source, team, channel string) (r task.Repo, found bool, err error) {
	r, err = postgres.One(ctx, s.db.Store, findChannel, pgx.StrictNamedArgs{
		"source": string(source), "team": team, "channel": channel,
	}, func(row pgx.CollectableRow) (r task.Repo, err error) {
		err = row.Scan(&r.Host, &r.Owner, &r.Name, &r.URL)
		return r, err
	})
	if errors.Is(err, postgres.ErrNotFound) {
		return r, false, nil
	}
	return r, err == nil, err
}

const findChannel = `SELECT r.host, r.owner, r.name, r.url FROM channels c JOIN repositories r ON r.id = c.repo_id
	WHERE c.source = @source AND c.team = @team AND c.channel = @channel`

// ChannelSetting is the repository of a channel.
type ChannelSetting struct {
	Source        task.Source
	Team, Channel string
	Repo          task.Repo
	// By is the account at the forge of whoever sets it.
	By string
}

// SetChannel stores the repository of a channel; none takes it away.
func (s Store) SetChannel(ctx context.Context, c ChannelSetting) error {
	args := pgx.StrictNamedArgs{"source": string(c.Source), "team": c.Team, "channel": c.Channel}
	if c.Repo == (task.Repo{}) {
		return s.db.Exec(ctx, dropChannel, args)
	}
	repo, err := s.db.Repo(ctx, c.Repo)
	if err != nil {
		return err
	}
	args["repo_id"], args["set_by"] = repo, c.By
	return s.db.Exec(ctx, putChannel, args)
}

const dropChannel = `DELETE FROM channels WHERE source = @source AND team = @team AND channel = @channel`

const putChannel = `INSERT INTO channels (source, team, channel, repo_id, set_by)
	VALUES (@source, @team, @channel, @repo_id, @set_by)
	ON CONFLICT (source, team, channel) DO UPDATE
	SET repo_id = excluded.repo_id, set_by = excluded.set_by, set_at = now()`

// Rate stores what somebody thinks of how a task ended; their last word
// counts.
func (s Store) Rate(ctx context.Context, id task.ID, account string, good bool) error {
	return s.db.Exec(ctx, putRating, pgx.StrictNamedArgs{"task_id": string(id), "account": account, "good": good})
}

const putRating = `INSERT INTO ratings (task_id, account, good) VALUES (@task_id, @account, @good)
	ON CONFLICT (task_id, account) DO UPDATE SET good = excluded.good, rated_at = now()`

// Unrate takes back what somebody thought, if it is still that.
func (s Store) Unrate(ctx context.Context, id task.ID, account string, good bool) error {
	return s.db.Exec(ctx, dropRating, pgx.StrictNamedArgs{"task_id": string(id), "account": account, "good": good})
}

const dropRating = `DELETE FROM ratings WHERE task_id = @task_id AND account = @account AND good = @good`
