"""DynamoDB: tables, as moto keeps them."""
