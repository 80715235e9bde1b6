"""Other programs that hold a company's books or payments: QuickBooks, Xero and Stripe."""
