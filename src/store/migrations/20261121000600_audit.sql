-- Who did what. Each entry names the hash of the one before, so that none can be changed,
-- removed or put in between without that being seen. Nothing reads these tables before this
-- release.
CREATE TABLE audit (
    seq          BIGINT PRIMARY KEY,
    at           TIMESTAMPTZ NOT NULL,
    actor        TEXT NOT NULL,
    action       TEXT NOT NULL,
    subject_kind TEXT NOT NULL,
    subject      TEXT NOT NULL,
    details      JSONB NOT NULL,
    previous     BYTEA NOT NULL CHECK (octet_length(previous) = 32),
    hash         BYTEA NOT NULL CHECK (octet_length(hash) = 32)
);
CREATE INDEX audit_at ON audit (at);

-- The last entry that was cut off after an export: where the chain begins now.
CREATE TABLE audit_anchor (
    single BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (single),
    seq    BIGINT NOT NULL,
    hash   BYTEA NOT NULL CHECK (octet_length(hash) = 32)
);
INSERT INTO audit_anchor (seq, hash) VALUES (0, decode(repeat('00', 32), 'hex'));

-- Entries are added, and never changed. They go only from the beginning, once the anchor
-- has been moved behind them.
CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.seq <= (SELECT seq FROM skep.audit_anchor) THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION 'the audit log is append-only: `skep audit cut` removes its oldest entries'
        USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON audit
    FOR EACH ROW EXECUTE FUNCTION audit_is_append_only();
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();

-- The anchor moves forward only, to an entry that is there.
CREATE FUNCTION audit_anchor_moves_forward() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF NEW.seq > OLD.seq
            AND EXISTS (SELECT FROM skep.audit WHERE seq = NEW.seq AND hash = NEW.hash)
        THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'the anchor of the audit log moves forward only, to an entry that is there'
        USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER forward BEFORE UPDATE OR DELETE ON audit_anchor
    FOR EACH ROW EXECUTE FUNCTION audit_anchor_moves_forward();
CREATE TRIGGER forward_whole BEFORE TRUNCATE ON audit_anchor
    FOR EACH STATEMENT EXECUTE FUNCTION audit_anchor_moves_forward();
