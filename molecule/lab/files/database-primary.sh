#!/bin/sh
# Makes the hospital's database and the account of its replica, whose password stays in a file for root.
# Prints "changed" if anything had to be done.
set -eu
umask 077
password_file=/etc/weibao-lab/replica.password

if [ ! -s "$password_file" ]; then
    openssl rand -hex 16 >"$password_file"
    mariadb <<SQL
SET SESSION sql_log_bin = 0;
CREATE OR REPLACE USER replica@'%' IDENTIFIED BY '$(cat "$password_file")';
GRANT RELOAD, REPLICATION SLAVE, BINLOG MONITOR ON *.* TO replica@'%';
GRANT SELECT, SHOW VIEW, TRIGGER, LOCK TABLES ON his.* TO replica@'%';
SQL
    echo changed
fi

if [ "$(mariadb --skip-column-names --execute 'SELECT COUNT(*) FROM his.registration' 2>/dev/null || true)" != 2000 ]; then
    mariadb --default-character-set=utf8mb4 <<'SQL'
CREATE OR REPLACE DATABASE his CHARACTER SET utf8mb4;
USE his;
CREATE TABLE department (
    id INT PRIMARY KEY,
    name VARCHAR(40) NOT NULL
);
INSERT INTO department VALUES (1, '内科'), (2, '外科'), (3, '儿科'), (4, '妇产科'), (5, '急诊科');
CREATE TABLE patient (
    id INT PRIMARY KEY,
    name VARCHAR(40) NOT NULL
);
INSERT INTO patient SELECT seq, CONCAT('测试病人', seq) FROM seq_1_to_200;
CREATE TABLE registration (
    id INT AUTO_INCREMENT PRIMARY KEY,
    patient_id INT NOT NULL REFERENCES patient (id),
    department_id INT NOT NULL REFERENCES department (id),
    registered_at DATETIME NOT NULL
);
INSERT INTO registration (patient_id, department_id, registered_at)
    SELECT 1 + seq MOD 200, 1 + seq MOD 5, '2026-01-01' + INTERVAL seq HOUR FROM seq_1_to_2000;
SQL
    echo changed
fi
