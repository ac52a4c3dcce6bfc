"""The bridge: a planner on Optimove's contract and a messenger on Symplify's, joined for those who own both.

Its words: pair (an account at each side), part (the customers of a campaign who get one template at one time).
"""
