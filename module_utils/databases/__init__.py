"""What the inspection of MySQL and MariaDB servers is made of."""
