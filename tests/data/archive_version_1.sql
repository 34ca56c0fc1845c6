-- An archive's database as version 1 of this program wrote it (sqlite3's dump), for the test of its migration.
PRAGMA application_id = 1145133121;
PRAGMA user_version = 1;
BEGIN TRANSACTION;
CREATE TABLE history (
    id INTEGER PRIMARY KEY, path TEXT NOT NULL, job_id INTEGER NOT NULL, attempt INTEGER NOT NULL, step TEXT NOT NULL,
    title TEXT NOT NULL, task TEXT NOT NULL, started REAL, finished REAL, size_bytes INTEGER NOT NULL, sha256 TEXT NOT NULL,
    version TEXT NOT NULL, facts TEXT NOT NULL);
INSERT INTO "history" VALUES(1,'output:xmm_pointed_raw/0404910601/pps/a.FTZ',1,1,'download',' of pps/a.FTZ','{"arguments":{"path":"xmm/a.FTZ","service":"heasarc"},"call":"tests.fakes.tasks:nothing","place":"thread"}',1000003.0,1000004.0,6,'8cda88a6b80c4f3ec05ae674ed048cf5251865a88d0e0dbaaccf9483b706d8b0','0.1.0','{}');
INSERT INTO "history" VALUES(2,'output:xmm_pointed_raw/0404910601/odf/b.fits',2,1,'download',' of odf/b.fits','{"arguments":{"path":"xmm/b.fits","service":"heasarc"},"call":"tests.fakes.tasks:nothing","place":"thread"}',1000008.0,1000009.0,6,'bab61634ce8b779bdc93426b7a0e26af8928eafd6da6c62ba96988dc66c774c9','0.1.0','{}');
INSERT INTO "history" VALUES(3,'archive:processed_data/xmm_pointed/0404910601/cleaning/obsid0404910601-instM1-subexpS001-gti.fits',3,1,'flares','flares of M1S001','{"arguments":{},"call":"tests.fakes.tasks:nothing","place":"thread"}',1000013.0,1000014.0,6,'0c2e7046a3163135db7ba4deb909e7a0fadbb345ecc1f3368c18d24df135b9a0','0.1.0','{"ontime_s":5.5}');
INSERT INTO "history" VALUES(4,'archive:processed_data/xmm_pointed/0404910601/events/obsid0404910601-instM1-subexpS001-cleanevents.fits',4,1,'clean','clean of M1S001','{"arguments":{},"call":"tests.fakes.tasks:nothing","place":"thread"}',1000018.0,1000019.0,6,'a45737be146e56a55ecc447ddbe5579bb359765f976ed72056ba58fcf0e5903e','0.1.0','{}');
INSERT INTO "history" VALUES(5,'archive:processed_data/xmm_pointed/0404910601/cleaning/obsid0404910601-instM1-subexpS001-gti.fits',3,1,'flares','flares of M1S001','{"arguments":{"n_sigma":2.0},"call":"tests.fakes.tasks:nothing","place":"thread"}',1000023.0,1000024.0,6,'0c2e7046a3163135db7ba4deb909e7a0fadbb345ecc1f3368c18d24df135b9a0','0.1.0','{"ontime_s":4.5}');
CREATE TABLE info (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "info" VALUES('created','1000000.0');
INSERT INTO "info" VALUES('name','"old"');
INSERT INTO "info" VALUES('overrides','{"a":1}');
INSERT INTO "info" VALUES('version','"0.1.0"');
CREATE TABLE jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, lane TEXT NOT NULL, mission TEXT NOT NULL, obs_id TEXT NOT NULL,
    unit TEXT NOT NULL, step TEXT NOT NULL, title TEXT NOT NULL, task TEXT NOT NULL, state TEXT NOT NULL,
    done REAL NOT NULL DEFAULT 0, total REAL, text TEXT NOT NULL DEFAULT '', reason TEXT NOT NULL DEFAULT '',
    warnings TEXT NOT NULL DEFAULT '[]', facts TEXT NOT NULL DEFAULT '{}', error TEXT NOT NULL DEFAULT 'null',
    attempt INTEGER NOT NULL DEFAULT 0, created REAL NOT NULL, started REAL, finished REAL,
    size_bytes INTEGER, changed_task TEXT, UNIQUE (kind, mission, obs_id, unit, step));
INSERT INTO "jobs" VALUES(1,'download','local','xmm_pointed','0404910601','pps/a.FTZ','',' of pps/a.FTZ','{"arguments":{"path":"xmm/a.FTZ","service":"heasarc"},"call":"tests.fakes.tasks:nothing","place":"thread"}','succeeded',0.0,NULL,'','','[]','{}','null',1,1000000.0,1000003.0,1000004.0,NULL,NULL);
INSERT INTO "jobs" VALUES(2,'download','local','xmm_pointed','0404910601','odf/b.fits','',' of odf/b.fits','{"arguments":{"path":"xmm/b.fits","service":"heasarc"},"call":"tests.fakes.tasks:nothing","place":"thread"}','succeeded',0.0,NULL,'','','[]','{}','null',1,1000005.0,1000008.0,1000009.0,NULL,NULL);
INSERT INTO "jobs" VALUES(3,'reduce','local','xmm_pointed','0404910601','M1S001','flares','flares of M1S001','{"arguments":{"n_sigma":2.0},"call":"tests.fakes.tasks:nothing","place":"thread"}','succeeded',0.0,NULL,'','','[]','{}','null',1,1000010.0,1000023.0,1000024.0,NULL,NULL);
INSERT INTO "jobs" VALUES(4,'reduce','local','xmm_pointed','0404910601','M1S001','clean','clean of M1S001','{"arguments":{},"call":"tests.fakes.tasks:nothing","place":"thread"}','succeeded',0.0,NULL,'','','[]','{}','null',1,1000015.0,1000018.0,1000019.0,NULL,NULL);
INSERT INTO "jobs" VALUES(5,'reduce','local','xmm_pointed','0404910601','PN','prepare','prepare of PN','{"arguments":{},"call":"tests.fakes.tasks:nothing","place":"thread"}','failed',0.0,NULL,'','','[]','{}','{"details":"","hint":"","message":"It broke.","retryable":false}',0,1000025.0,NULL,NULL,NULL,NULL);
INSERT INTO "jobs" VALUES(6,'reduce','local','xmm_pointed','0404910601','M2','prepare','prepare of M2','{"arguments":{},"call":"tests.fakes.tasks:nothing","place":"thread"}','running',0.0,NULL,'','','[]','{}','null',0,1000025.0,NULL,NULL,NULL,NULL);
CREATE TABLE needs (
    job_id INTEGER NOT NULL REFERENCES jobs ON DELETE CASCADE, needed_id INTEGER NOT NULL REFERENCES jobs,
    PRIMARY KEY (job_id, needed_id)) WITHOUT ROWID;
INSERT INTO "needs" VALUES(4,3);
CREATE TABLE observations (
    mission TEXT NOT NULL, obs_id TEXT NOT NULL, target TEXT NOT NULL, instruments TEXT NOT NULL, row TEXT NOT NULL,
    added REAL NOT NULL, selection_id INTEGER NOT NULL REFERENCES selections, PRIMARY KEY (mission, obs_id)) WITHOUT ROWID;
INSERT INTO "observations" VALUES('xmm_pointed','0404910601','A907','["M1"]','{"obs_id":"0404910601","target":"A907"}',1000000.0,1);
CREATE TABLE products (
    id INTEGER PRIMARY KEY, mission TEXT NOT NULL, obs_id TEXT NOT NULL, kind TEXT NOT NULL, instrument TEXT NOT NULL,
    exposure TEXT NOT NULL, band_low_kev REAL, band_high_kev REAL, path TEXT NOT NULL UNIQUE, size_bytes INTEGER NOT NULL,
    sha256 TEXT NOT NULL, job_id INTEGER REFERENCES jobs, created REAL NOT NULL, facts TEXT NOT NULL);
INSERT INTO "products" VALUES(1,'xmm_pointed','0404910601','events','M1','S001',NULL,NULL,'output:xmm_pointed_raw/0404910601/pps/a.FTZ',6,'8cda88a6b80c4f3ec05ae674ed048cf5251865a88d0e0dbaaccf9483b706d8b0',1,1000004.0,'{}');
INSERT INTO "products" VALUES(2,'xmm_pointed','0404910601','other','','ALL',NULL,NULL,'output:xmm_pointed_raw/0404910601/odf/b.fits',6,'bab61634ce8b779bdc93426b7a0e26af8928eafd6da6c62ba96988dc66c774c9',2,1000009.0,'{}');
INSERT INTO "products" VALUES(4,'xmm_pointed','0404910601','clean_events','M1','S001',NULL,NULL,'archive:processed_data/xmm_pointed/0404910601/events/obsid0404910601-instM1-subexpS001-cleanevents.fits',6,'a45737be146e56a55ecc447ddbe5579bb359765f976ed72056ba58fcf0e5903e',4,1000019.0,'{}');
INSERT INTO "products" VALUES(5,'xmm_pointed','0404910601','gti','M1','S001',NULL,NULL,'archive:processed_data/xmm_pointed/0404910601/cleaning/obsid0404910601-instM1-subexpS001-gti.fits',6,'0c2e7046a3163135db7ba4deb909e7a0fadbb345ecc1f3368c18d24df135b9a0',3,1000024.0,'{"ontime_s":4.5}');
CREATE TABLE selections (
    id INTEGER PRIMARY KEY, mission TEXT NOT NULL, catalogue_version TEXT NOT NULL, obs_ids TEXT NOT NULL,
    instruments TEXT NOT NULL, filters TEXT NOT NULL, added REAL NOT NULL);
INSERT INTO "selections" VALUES(1,'xmm_pointed','v1','["0404910601"]','["M1"]','[{"cone":[1,2,3]}]',1000000.0);
CREATE TABLE verdicts (
    mission TEXT NOT NULL, obs_id TEXT NOT NULL, unit TEXT NOT NULL, state TEXT NOT NULL, note TEXT NOT NULL,
    time REAL NOT NULL, PRIMARY KEY (mission, obs_id, unit)) WITHOUT ROWID;
INSERT INTO "verdicts" VALUES('xmm_pointed','0404910601','M1S001','flagged','odd',5.0);
CREATE INDEX products_of_observation ON products (mission, obs_id);
CREATE INDEX products_of_job ON products (job_id);
CREATE INDEX history_of_path ON history (path);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('jobs',6);
COMMIT;
