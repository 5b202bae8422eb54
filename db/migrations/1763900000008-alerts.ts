import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Alerts1763900000008 implements MigrationInterface {
  readonly name = 'Alerts1763900000008';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(TABLE);
    await runner.query(NOTE_ALERT);
    await runner.query(POSITIONS);
    await runner.query(FINDINGS);
    await runner.query(HALTS);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TRIGGER "ManagedPosition_opened_alert" ON "ManagedPosition";
      DROP TRIGGER "ManagedPosition_closed_alert" ON "ManagedPosition";
      DROP TRIGGER "Finding_alert" ON "Finding";
      DROP TRIGGER "Halt_alert" ON "Halt";
      DROP FUNCTION alert_of_position, alert_of_finding, alert_of_halt, note_alert;
      DROP TABLE "Alert"`);
  }
}

const TABLE = `
  CREATE TABLE "Alert" (
    "id" text PRIMARY KEY,
    "kind" text NOT NULL CHECK ("kind" IN
      ('emergency', 'persistence-failed', 'halt', 'finding', 'feed-stale', 'closed', 'opened')),
    "subject" text NOT NULL,
    "facts" jsonb NOT NULL,
    "occurredAt" timestamptz NOT NULL,
    "handedOverAt" timestamptz
  );
  CREATE INDEX "Alert_waiting" ON "Alert" ("occurredAt") WHERE "handedOverAt" IS NULL;
  CREATE INDEX "Alert_occurredAt" ON "Alert" ("occurredAt");`;

/** An alert that can't be written must never undo the record it tells of. */
const NOTE_ALERT = `
  CREATE FUNCTION note_alert(new_id text, new_kind text, about text, facts jsonb, occurred_at timestamptz)
  RETURNS void LANGUAGE plpgsql AS $$
  BEGIN
    INSERT INTO "Alert" ("id", "kind", "subject", "facts", "occurredAt")
    VALUES (new_id, new_kind, about, jsonb_strip_nulls(facts), occurred_at) ON CONFLICT DO NOTHING;
  EXCEPTION WHEN OTHERS THEN
    RAISE WARNING 'alert % was not written: %', new_id, SQLERRM;
  END $$;`;

/** Rows of the persistence self-test are nobody's position. */
const POSITIONS = `
  CREATE FUNCTION alert_of_position() RETURNS trigger LANGUAGE plpgsql AS $$
  DECLARE
    facts jsonb := jsonb_build_object('tradeId', NEW."tradeId", 'positionId', NEW."id", 'symbol', NEW."symbol",
      'side', NEW."side", 'quantity', trim_scale(NEW."quantity")::text, 'entryPrice', trim_scale(NEW."entryPrice")::text);
    close jsonb := jsonb_build_object('exitPrice', trim_scale(NEW."exitPrice")::text, 'exitReason', NEW."exitReason",
      'netPnl', trim_scale(NEW."realizedPnL")::text);
  BEGIN
    IF NEW."status" = 'open' THEN
      PERFORM note_alert('opened:' || NEW."id", 'opened', NEW."id", facts, NEW."entryTime");
      RETURN NULL;
    END IF;
    PERFORM note_alert('closed:' || NEW."id", 'closed', NEW."id", facts || close, NEW."exitTime");
    IF NEW."exitReason" = 'emergency-loss' THEN
      PERFORM note_alert('emergency:' || NEW."id", 'emergency', NEW."id", facts || close, NEW."exitTime");
    ELSIF NEW."exitReason" = 'compensation' THEN
      PERFORM note_alert('persistence-failed:' || NEW."id", 'persistence-failed', NEW."id", facts || close, NEW."exitTime");
    END IF;
    RETURN NULL;
  END $$;
  CREATE TRIGGER "ManagedPosition_opened_alert" AFTER INSERT ON "ManagedPosition"
    FOR EACH ROW WHEN (NEW."strategy" <> 'self-test') EXECUTE FUNCTION alert_of_position();
  CREATE TRIGGER "ManagedPosition_closed_alert" AFTER UPDATE ON "ManagedPosition"
    FOR EACH ROW WHEN (NEW."strategy" <> 'self-test' AND OLD."status" = 'open' AND NEW."status" = 'closed')
    EXECUTE FUNCTION alert_of_position();`;

/**
 * Told when it needs a person, when it was settled, and when it is still there at the third look. What was
 * merely under way and is gone by itself is told only to those who heard of it before.
 */
const FINDINGS = `
  CREATE FUNCTION alert_of_finding() RETURNS trigger LANGUAGE plpgsql AS $$
  DECLARE
    was text := CASE TG_OP WHEN 'UPDATE' THEN OLD."status" END;
    looked integer := CASE TG_OP WHEN 'UPDATE' THEN OLD."looks" ELSE 0 END;
    event text := CASE
      WHEN NEW."status" = 'human' AND was IS DISTINCT FROM 'human' THEN 'human'
      WHEN NEW."status" = 'settled' AND was <> 'settled'
        AND (was = 'human' OR NEW."looks" >= 3 OR NEW."action" <> 'gone by itself') THEN 'settled'
      WHEN NEW."status" IN ('seen', 'acting') AND NEW."looks" >= 3 AND looked < 3 THEN 'seen'
    END;
  BEGIN
    IF event IS NOT NULL THEN
      PERFORM note_alert('finding:' || NEW."id" || ':' || (extract(epoch FROM NEW."firstSeenAt") * 1000)::bigint || ':' || event,
        'finding', NEW."subject", jsonb_build_object('findingId', NEW."id", 'finding', NEW."kind", 'subject', NEW."subject",
          'status', NEW."status", 'looks', NEW."looks", 'action', NEW."action", 'seen', NEW."seen"), clock_timestamp());
    END IF;
    RETURN NULL;
  END $$;
  CREATE TRIGGER "Finding_alert" AFTER INSERT OR UPDATE ON "Finding"
    FOR EACH ROW EXECUTE FUNCTION alert_of_finding();`;

const HALTS = `
  CREATE FUNCTION alert_of_halt() RETURNS trigger LANGUAGE plpgsql AS $$
  DECLARE
    facts jsonb := jsonb_build_object('haltId', NEW."id", 'reason', NEW."reason", 'actor', NEW."actor", 'flatten', NEW."flatten");
  BEGIN
    IF NEW."endedAt" IS NULL THEN
      PERFORM note_alert('halt:' || NEW."id", 'halt', NEW."id", facts, NEW."startedAt");
    ELSIF TG_OP = 'UPDATE' AND OLD."endedAt" IS NULL THEN
      PERFORM note_alert('halt:' || NEW."id" || ':ended', 'halt', NEW."id",
        facts || jsonb_build_object('endedBy', NEW."endedBy", 'endReason', NEW."endReason", 'ended', true), NEW."endedAt");
    END IF;
    RETURN NULL;
  END $$;
  CREATE TRIGGER "Halt_alert" AFTER INSERT OR UPDATE ON "Halt"
    FOR EACH ROW EXECUTE FUNCTION alert_of_halt();`;
